package forecast

import (
	"time"

	"tideway/geo"
	"tideway/live"
)

// Forecast is what is expected of every series and segment at each horizon,
// issued at one tick. It is immutable and published by pointer.
type Forecast struct {
	City     *geo.City
	Seq      uint64    // of the snapshot it was made from
	IssuedAt time.Time // the snapshot's time
	Groups   []Group   // one per (quantity, interval), in that order
	Roads    Roads     // every segment, sensed or not
	Zones    []ZoneOutlook
}

// Group is the forecast of all series of one quantity and interval.
type Group struct {
	Quantity geo.Quantity
	Interval time.Duration
	Origin   time.Time       // end of the newest interval the models could see
	Horizons []time.Duration // counted from Origin, ascending multiples of Interval
	Model    string          // name and version of the serving model
	Series   []SeriesRow     // by sensor id
	Bands    Bands           // len(Series) rows of len(Horizons)
	Typical  []float32       // profile value at each row and horizon; NaN when unknown
	UsesSky  []bool          // of each horizon: the weather given for the hours ahead was made use of; nil: of none
}

// SeriesRow tells which series a row of a Group speaks of and what it rests on.
type SeriesRow struct {
	Sensor geo.SensorID
	Last   float32       // newest value used, canonical unit; NaN when none in the window
	Age    time.Duration // from the end of that value's interval to Origin
	Source Source
	Reason string // why inputs are poor; "" when they are good
}

// Bands are columns of predictive distributions: row-major, rows × horizons.
// Value is the median; Lo90 and Hi90 bound the central 90 %, Lo50 and Hi50 the
// central 50 %, all in the quantity's canonical unit. PCongested is the
// probability of congestion, NaN where the notion does not apply.
type Bands struct {
	Horizons                                  int
	Value, Lo50, Hi50, Lo90, Hi90, PCongested []float32
}

// Point is one cell of Bands.
type Point struct{ Value, Lo50, Hi50, Lo90, Hi90, PCongested float32 }

// NewBands returns bands of the given size, all zero.
func NewBands(rows, horizons int) Bands {
	n := rows * horizons
	col := make([]float32, 6*n)
	cut := func(i int) []float32 { return col[i*n : (i+1)*n : (i+1)*n] }
	return Bands{Horizons: horizons, Value: cut(0), Lo50: cut(1), Hi50: cut(2), Lo90: cut(3), Hi90: cut(4), PCongested: cut(5)}
}

// At returns the cell of a row and horizon.
func (b *Bands) At(row, horizon int) Point {
	i := row*b.Horizons + horizon
	return Point{b.Value[i], b.Lo50[i], b.Hi50[i], b.Lo90[i], b.Hi90[i], b.PCongested[i]}
}

// Set writes the cell of a row and horizon.
func (b *Bands) Set(row, horizon int, p Point) {
	i := row*b.Horizons + horizon
	b.Value[i], b.Lo50[i], b.Hi50[i], b.Lo90[i], b.Hi90[i], b.PCongested[i] = p.Value, p.Lo50, p.Hi50, p.Lo90, p.Hi90, p.PCongested
}

// Source tells where a value comes from, from the best to the poorest.
type Source uint8

// Sources of a value.
const (
	Observed Source = iota // measured now
	Derived                // computed from another measured quantity (speed from flow over capacity)
	Imputed                // from other sensors nearby
	Typical                // from the usual course of this time of day, as nothing recent was measured
	Prior                  // no history: free flow, wide
)

var sourceNames = []string{"observed", "derived", "imputed", "profile", "prior"}

// String returns the name used on the wire: observed, derived, imputed,
// profile or prior.
func (s Source) String() string { return sourceNames[s] }

// MarshalText gives the name, so that JSON reads it.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Roads is the outlook of every segment. Columns are indexed by
// geo.SegmentID, those with horizons by segment*len(Horizons)+horizon.
type Roads struct {
	Horizons []time.Duration // from Forecast.IssuedAt to the end of the interval meant
	Now      []RoadNow
	Speed    Bands     // km/h
	FlowVPH  []float32 // expected flow of all lanes; NaN when unknown
	LOS      []LOS     // expected level of service
	ModelOf  []uint8   // per segment: position in Models
	Models   []string  // names of the models behind the segments
}

// RoadNow is the nowcast of one segment. Unknown numbers are NaN.
type RoadNow struct {
	At          time.Time // end of the newest interval used; zero when none
	Age         time.Duration
	Source      Source
	Confidence  float32 // 0 to 1: 1 - width of the 50 % interval over free-flow speed, floored at 0
	SpeedKMH    float32
	FreeFlowKMH float32
	TypicalKMH  float32 // profile at this time of day
	FlowVPH     float32
	LOS         LOS
	LOSDerived  bool // LOS comes from flow over capacity because no speed is measured
	Incident    bool // far below the typical speed here and on a neighbouring segment
	// Onset is the first horizon at which congestion is more likely than not on
	// a segment free now; Clear50 and Clear90 are when a congested segment is
	// free with probability 50 % and 90 %. Negative: not within the horizons,
	// or not applicable.
	Onset, Clear50, Clear90 time.Duration
}

// ZoneOutlook is the state and outlook of one zone: means over its segments,
// weighted with their length, and of its air.
type ZoneOutlook struct {
	Zone       geo.ZoneID
	Segments   int
	SpeedRatio []float32 // mean speed over free flow: now, then at each of Roads.Horizons
	PCongested []float32 // expected share of road length congested, likewise
	Air        []ZoneAir
}

// ZoneAir is one pollutant over a zone: mean of the stations inside, or of the
// nearest ones weighted with the inverse squared distance.
type ZoneAir struct {
	Quantity geo.Quantity
	Source   Source // Observed when a station stands inside, else Imputed
	Now      float32
	Horizons []time.Duration
	Bands    Bands // one row
}

// Congestion is the record of one segment that the operations platform pulls.
// Numbers are NaN where unknown; json tags name fields and units of v1.
type Congestion struct {
	Segment     string            `json:"segment"`
	ObservedAt  time.Time         `json:"observed_at"` // zero when never observed
	AgeS        float64           `json:"age_s"`
	Source      Source            `json:"source"`
	SpeedKMH    float64           `json:"speed_kmh"`
	FreeFlowKMH float64           `json:"free_flow_kmh"`
	TypicalKMH  float64           `json:"typical_speed_kmh"`
	FlowVPH     float64           `json:"flow_vph"`
	LOS         LOS               `json:"los"`
	LOSDerived  bool              `json:"los_derived"`
	Confidence  float64           `json:"confidence"`
	Incident    bool              `json:"incident"`
	OnsetS      float64           `json:"onset_s"`    // NaN: none expected
	Clear50S    float64           `json:"clear_50_s"` // NaN: not congested or not within the horizons
	Clear90S    float64           `json:"clear_90_s"`
	Forecast    []CongestionPoint `json:"forecast"`
	Model       string            `json:"model"`
	IssuedAt    time.Time         `json:"issued_at"`
}

// CongestionPoint is a Congestion's outlook at one instant.
type CongestionPoint struct {
	At         time.Time `json:"at"`
	SpeedKMH   float64   `json:"speed_kmh"`
	Lo50KMH    float64   `json:"lo50_kmh"`
	Hi50KMH    float64   `json:"hi50_kmh"`
	Lo90KMH    float64   `json:"lo90_kmh"`
	Hi90KMH    float64   `json:"hi90_kmh"`
	FlowVPH    float64   `json:"flow_vph"`
	PCongested float64   `json:"p_congested"`
	LOS        LOS       `json:"los"`
}

// Congestion returns the record of a segment. It panics when the segment is
// not one of the forecast's city.
func (f *Forecast) Congestion(s geo.SegmentID) Congestion {
	now := f.Roads.Now[s]
	c := Congestion{
		Segment: f.City.Segments.At(s).ID, ObservedAt: now.At, AgeS: now.Age.Seconds(), Source: now.Source,
		SpeedKMH: float64(now.SpeedKMH), FreeFlowKMH: float64(now.FreeFlowKMH), TypicalKMH: float64(now.TypicalKMH),
		FlowVPH: float64(now.FlowVPH), LOS: now.LOS, LOSDerived: now.LOSDerived, Confidence: float64(now.Confidence),
		Incident: now.Incident, OnsetS: secondsOrNaN(now.Onset), Clear50S: secondsOrNaN(now.Clear50), Clear90S: secondsOrNaN(now.Clear90),
		Model: f.Roads.Models[f.Roads.ModelOf[s]], IssuedAt: f.IssuedAt,
		Forecast: make([]CongestionPoint, len(f.Roads.Horizons)),
	}
	for h, ahead := range f.Roads.Horizons {
		p, i := f.Roads.Speed.At(int(s), h), int(s)*len(f.Roads.Horizons)+h
		c.Forecast[h] = CongestionPoint{
			At: f.IssuedAt.Add(ahead), SpeedKMH: float64(p.Value), Lo50KMH: float64(p.Lo50), Hi50KMH: float64(p.Hi50),
			Lo90KMH: float64(p.Lo90), Hi90KMH: float64(p.Hi90), FlowVPH: float64(f.Roads.FlowVPH[i]),
			PCongested: float64(p.PCongested), LOS: f.Roads.LOS[i],
		}
	}
	return c
}

// Find returns the group of a quantity and interval, nil when there is none.
func (f *Forecast) Find(q geo.Quantity, interval time.Duration) *Group {
	for i := range f.Groups {
		if g := &f.Groups[i]; g.Quantity == q && g.Interval == interval {
			return g
		}
	}
	return nil
}

// Row returns the position of a sensor's row in the group, -1 when absent.
func (g *Group) Row(s geo.SensorID) int {
	for i := range g.Series {
		if g.Series[i].Sensor == s {
			return i
		}
	}
	return -1
}

// Key returns the series of a row.
func (g *Group) Key(row int) live.Series {
	return live.Series{Sensor: g.Series[row].Sensor, Quantity: g.Quantity, Interval: g.Interval}
}
