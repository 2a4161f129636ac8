from shared import migrate

migrate.apply()
