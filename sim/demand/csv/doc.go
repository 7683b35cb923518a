// Package csv keeps a demand as tables beside the city's: vehicle_type.csv,
// demand_route.csv, demand_trip.csv and demand_stop.csv for trips, and
// demand_profile.csv and demand_matrix.csv for travel between zones.
// docs/demand-format.md describes every column.
//
// What is written and read back is the same demand, and written again the same
// bytes. Numbers are SI and named with their unit; times are seconds since the
// demand's zero. Columns are found by name, those not known are left alone,
// and an absent or empty one means its default.
package csv
