# Runs a command as a container engine would: on a read-only file system that holds an image and its volume, as the
# image's user, without capabilities and without a way to gain any. Needs root.
# Usage: unshare --mount sh confine.sh ROOT FILES PACKAGES PYTHON VOLUME USER COMMAND...   (ROOT: an empty directory)
set -eu
root=$1 files=$2 packages=$3 python=$4 volume=$5 user=$6
shift 6
path=$PATH # of the image
PATH=/usr/sbin:/usr/bin:/sbin:/bin

show() { # SOURCE TARGET: see SOURCE below the new root, read only
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro "$root$2"
}

mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$root"
for directory in /usr /bin /lib /lib64 /etc "$python"; do
    [ ! -d "$directory" ] || show "$directory" "$directory"
done
show "$files" /app
show "$packages" /opt/accord
mkdir -p "$root/dev" "$root/proc" "$root/tmp" "$root/var/lib/accord"
mount --rbind /dev "$root/dev"
mount --bind /proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$volume" "$root/var/lib/accord"
chown "$user" "$root/var/lib/accord"
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all env --chdir=/app PATH="$path" "$@"
