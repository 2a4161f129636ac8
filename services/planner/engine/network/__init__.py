"""Item-locations that share components or capacity: found by coupling, solved by LP and price decomposition."""
