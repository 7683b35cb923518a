package wire

import "time"

// AirValue is a pollutant's concentration now and what is expected.
type AirValue struct {
	Pollutant  string     `json:"pollutant" enum:"no2,o3,co,pm10,pm25"`
	Unit       string     `json:"unit" enum:"ug/m3,mg/m3"`
	ObservedAt *time.Time `json:"observed_at"`
	AgeS       *float64   `json:"age_s"`
	Source     Source     `json:"source" enum:"observed,derived,imputed,profile,prior"`
	Value      *float64   `json:"value"`
	Doubt      string     `json:"doubt,omitempty" doc:"Why the value is doubtful; absent when good."`
	Forecast   []Expected `json:"forecast"`
	Model      string     `json:"model"`
}

// AirStation is the air at a station.
type AirStation struct {
	Station  string     `json:"station"`
	Lon      float64    `json:"lon"`
	Lat      float64    `json:"lat"`
	Values   []AirValue `json:"values"`
	IssuedAt time.Time  `json:"issued_at"`
}

// AirStationList is the answer of GET /v1/air.
type AirStationList struct {
	CityVersion string       `json:"city_version"`
	At          time.Time    `json:"at"`
	Stations    []AirStation `json:"stations"`
}

// AirZone is the air of a zone: the mean of the stations inside (source
// observed), else of the nearest ones weighted with the inverse square of their
// distance (source imputed).
type AirZone struct {
	Zone       string     `json:"zone"`
	Name       string     `json:"name"`
	Population *float64   `json:"population"`
	Values     []AirValue `json:"values"`
	IssuedAt   time.Time  `json:"issued_at"`
}

// AirZoneList is the answer of GET /v1/air/zones.
type AirZoneList struct {
	CityVersion string    `json:"city_version"`
	At          time.Time `json:"at"`
	Zones       []AirZone `json:"zones"`
}
