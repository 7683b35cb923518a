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
	Station  string        `json:"station"`
	Lon      float64       `json:"lon"`
	Lat      float64       `json:"lat"`
	Values   []AirValue    `json:"values"`
	Modelled []AirModelled `json:"modelled" doc:"What the traffic model says, now and ahead; empty before the first."`
	Indices  AirIndices    `json:"indices"`
	IssuedAt time.Time     `json:"issued_at"`
}

// AirStationList is the answer of GET /v1/air.
type AirStationList struct {
	CityVersion string       `json:"city_version"`
	At          time.Time    `json:"at"`
	Stations    []AirStation `json:"stations"`
	LeftOut     *AirLeftOut  `json:"left_out,omitempty" doc:"How the traffic model finds NO2 at stations that it did not hear; absent with fewer than three."`
}

// AirLeftOut scores the past week: every station left out in turn and found from
// the others.
type AirLeftOut struct {
	Stations     int      `json:"stations"`
	Count        int      `json:"count" doc:"Pairs of station and hour."`
	MeanUGM3     *float64 `json:"mean_ugm3" doc:"Of what was measured."`
	RMSEUGM3     *float64 `json:"rmse_ugm3" doc:"With what the other stations teach."`
	RMSEBareUGM3 *float64 `json:"rmse_bare_ugm3" doc:"The model alone over the background that the others see."`
}

// AirZone is the air of a zone: the mean of the stations inside (source
// observed), else of the nearest ones weighted with the inverse square of their
// distance (source imputed).
type AirZone struct {
	Zone       string        `json:"zone"`
	Name       string        `json:"name"`
	Population *float64      `json:"population"`
	Values     []AirValue    `json:"values"`
	Modelled   []AirModelled `json:"modelled" doc:"Mean of the zone by the traffic model, now and ahead."`
	IssuedAt   time.Time     `json:"issued_at"`
}

// AirZoneList is the answer of GET /v1/air/zones.
type AirZoneList struct {
	CityVersion string        `json:"city_version"`
	At          time.Time     `json:"at"`
	Zones       []AirZone     `json:"zones"`
	Exposure    []AirExposure `json:"exposure" doc:"By the traffic model, now; empty before the first."`
}

// AirIndices are the air-quality indices of a station's newest values.
type AirIndices struct {
	European *AirIndex `json:"european,omitempty" doc:"European index (2024 bands) of the last hour."`
	US       *AirIndex `json:"us,omitempty" doc:"US AQI (2024): NowCast of particles, 8 h of O3 and CO, 1 h of NO2."`
	China    *AirIndex `json:"china,omitempty" doc:"HJ 633-2026, real time."`
}

// AirIndex is one index: the worst of its pollutants.
type AirIndex struct {
	Index   int      `json:"index"`
	Label   string   `json:"label"`
	Primary []string `json:"primary" doc:"Pollutants that make the index."`
	Source  string   `json:"source"`
}

// AirModelled is what the city's traffic makes of the air at one time:
// emissions, dispersion, chemistry and background, corrected by stations.
type AirModelled struct {
	At       time.Time `json:"at"`
	NO2UGM3  *float64  `json:"no2_ugm3"`
	O3UGM3   *float64  `json:"o3_ugm3"`
	PM25UGM3 *float64  `json:"pm25_ugm3"`
	PM10UGM3 *float64  `json:"pm10_ugm3"`
}

// AirWeather is the weather under which the air was modelled.
type AirWeather struct {
	Source       string   `json:"source" enum:"given,measured,assumed" doc:"given: POST /v1/weather; measured: the city's stations; assumed: nothing is known."`
	Method       string   `json:"method" doc:"How the boundary layer was found."`
	WindMS       float64  `json:"wind_ms"`
	WindFromDeg  float64  `json:"wind_from_deg"`
	TemperatureC *float64 `json:"temperature_c"`
	Stability    string   `json:"stability" doc:"Pasquill class, A to F."`
}

// AirSources is what streets release, and by what the kinds of road were scaled
// to agree with the stations.
type AirSources struct {
	NOxKGH    float64            `json:"nox_kgh"`
	CO2KGH    float64            `json:"co2_kgh"`
	PM25KGH   float64            `json:"pm25_kgh"`
	FlowKnown float64            `json:"flow_known" doc:"Share of the segments whose flow is measured or forecast; the others are taken to be as full as roads of their kind."`
	Factors   map[string]float64 `json:"factors" doc:"By kind of road: main, busy, collector, small."`
}

// AirGrid is the answer of GET /v1/air/grid: squares with one concentration
// each, as columns. Squares are small at roads and large far from them.
type AirGrid struct {
	CityVersion    string      `json:"city_version"`
	IssuedAt       time.Time   `json:"issued_at"`
	At             time.Time   `json:"at"`
	Times          []time.Time `json:"times" doc:"All times that can be asked for."`
	Pollutant      string      `json:"pollutant" enum:"no2,o3,pm25,pm10"`
	Unit           string      `json:"unit" enum:"ug/m3"`
	BackgroundUGM3 *float64    `json:"background_ugm3"`
	Measured       bool        `json:"background_measured" doc:"false: no station measures it, an assumption."`
	Weather        AirWeather  `json:"weather"`
	Sources        AirSources  `json:"sources"`
	West           []float64   `json:"west" doc:"Bounds of the squares in degrees."`
	South          []float64   `json:"south"`
	East           []float64   `json:"east"`
	North          []float64   `json:"north"`
	Value          []*float64  `json:"value"`
}

// AirPoint is the answer of GET /v1/air/receptor.
type AirPoint struct {
	Lon      float64       `json:"lon"`
	Lat      float64       `json:"lat"`
	IssuedAt time.Time     `json:"issued_at"`
	Values   []AirModelled `json:"values"`
	European *AirIndex     `json:"european,omitempty" doc:"Of the first time."`
}

// AirExposure is how much people breathe now.
type AirExposure struct {
	Pollutant  string   `json:"pollutant" enum:"no2,pm25"`
	MeanUGM3   *float64 `json:"mean_ugm3" doc:"Mean over zones, weighted."`
	WeightedBy string   `json:"weighted_by" enum:"population,area" doc:"area where a zone has no population."`
	Population float64  `json:"population"`
	LimitUGM3  float64  `json:"limit_ugm3" doc:"WHO 2021 guideline for a day."`
	Above      float64  `json:"above" doc:"Share of people (or area) above it."`
}

// AirLimit is one limit value at one station over a year.
type AirLimit struct {
	Station     string   `json:"station"`
	Pollutant   string   `json:"pollutant"`
	Rule        string   `json:"rule"`
	Over        string   `json:"over" enum:"hour,8 hours,day,year"`
	LimitUGM3   float64  `json:"limit_ugm3"`
	Means       int      `json:"means" doc:"Hours, days or years that were measured."`
	Exceedances int      `json:"exceedances"`
	Allowed     *int     `json:"allowed" doc:"In a year; null: none stated, or not verified."`
	WorstUGM3   *float64 `json:"worst_ugm3"`
	Source      string   `json:"source"`
}

// AirLimits is the answer of GET /v1/air/limits.
type AirLimits struct {
	Year   int        `json:"year"`
	Limits []AirLimit `json:"limits"`
}

// WeatherHour is an hour of weather, measured or forecast.
type WeatherHour struct {
	At           time.Time `json:"at" doc:"Begin of the hour."`
	WindMS       float64   `json:"wind_ms" doc:"At 10 m."`
	WindFromDeg  float64   `json:"wind_from_deg" doc:"Where the wind comes from: 0 north, 90 east."`
	TemperatureC *float64  `json:"temperature_c,omitempty"`
	Cloud        *float64  `json:"cloud,omitempty" doc:"Share of the sky, 0 to 1."`
	SolarWm2     *float64  `json:"solar_wm2,omitempty" doc:"Global radiation."`
}

// Weather is the body of POST /v1/weather and the answer of both: the hours in
// force.
type Weather struct {
	Hours []WeatherHour `json:"hours" maxItems:"1000"`
}
