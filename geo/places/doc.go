// Package places reads zones and sensors from what cities publish: GeoJSON, and
// CSV tables with coordinates or with geometry in a column. It stands at the
// edge: it returns geo records, which a draft takes in (City.Draft); sensors
// are then put on their segments by geo/match.
package places
