// Package client talks to the service over HTTP. It is built from api/wire
// alone, so that other programs can use it without the rest of the module. The
// end-to-end tests go through it.
//
// Every method returns a *wire.Problem when the service answered with an error:
// match it with errors.As to see each thing that was wrong.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tideway/api/wire"
)

// Client is a service at an address. It is safe for concurrent use.
type Client struct {
	base, key string
	http      *http.Client
}

// New returns a client of the service at base ("http://127.0.0.1:8080") with an
// API key, "" for none. transport may be nil for http.DefaultTransport.
func New(base, key string, transport http.RoundTripper) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), key: key, http: &http.Client{Transport: transport}}
}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 1 << 30

// do sends a request and returns the answer, whose body the caller closes. A
// status of 400 and above is returned as a *wire.Problem.
func (c *Client) do(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err // names method and address
	}
	if resp.StatusCode < 400 {
		return resp, nil
	}
	defer resp.Body.Close()
	p := &wire.Problem{Title: resp.Status, Status: resp.StatusCode}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if json.Unmarshal(raw, p) != nil {
		p.Detail = strings.TrimSpace(string(raw)) // not ours: a proxy's page
	}
	return nil, p
}

// call sends v as JSON (nil: no body) and decodes the answer.
func call[T any](ctx context.Context, c *Client, method, path string, v any) (out T, err error) {
	var body io.Reader
	header := http.Header{}
	if v != nil {
		raw, err := json.Marshal(v)
		if err != nil {
			return out, fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(raw)
		header.Set("Content-Type", "application/json")
	}
	return decode[T](c.do(ctx, method, path, header, body))
}

func decode[T any](resp *http.Response, err error) (out T, _ error) {
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&out); err != nil {
		return out, fmt.Errorf("reading the answer of %s: %w", resp.Request.URL.Path, err)
	}
	return out, nil
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, nil)
}

// fill puts percent-encoded values for the braces of a path, in order.
func fill(path string, values ...string) string {
	for _, v := range values {
		begin, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		path = path[:begin] + url.PathEscape(v) + path[end+1:]
	}
	return path
}

// Ready reports whether the service can do its work: nil or why not.
func (c *Client) Ready(ctx context.Context) error {
	_, err := get[wire.Health](ctx, c, wire.PathReady)
	return err
}

// City describes the city.
func (c *Client) City(ctx context.Context) (wire.City, error) {
	return get[wire.City](ctx, c, wire.PathCity)
}

// Segments lists all segments, in the order of the columns.
func (c *Client) Segments(ctx context.Context) (wire.SegmentList, error) {
	return get[wire.SegmentList](ctx, c, wire.PathSegments)
}

// Segment returns one segment.
func (c *Client) Segment(ctx context.Context, id string) (wire.Segment, error) {
	return get[wire.Segment](ctx, c, fill(wire.PathSegment, id))
}

// Zones lists all zones.
func (c *Client) Zones(ctx context.Context) (wire.ZoneList, error) {
	return get[wire.ZoneList](ctx, c, wire.PathZones)
}

// Zone returns one zone.
func (c *Client) Zone(ctx context.Context, id string) (wire.Zone, error) {
	return get[wire.Zone](ctx, c, fill(wire.PathZone, id))
}

// Signals lists all signals with their plans.
func (c *Client) Signals(ctx context.Context) (wire.SignalList, error) {
	return get[wire.SignalList](ctx, c, wire.PathSignals)
}

// Signal returns one signal.
func (c *Client) Signal(ctx context.Context, id string) (wire.Signal, error) {
	return get[wire.Signal](ctx, c, fill(wire.PathSignal, id))
}

// Sensors lists all sensors.
func (c *Client) Sensors(ctx context.Context) (wire.SensorList, error) {
	return get[wire.SensorList](ctx, c, wire.PathSensors)
}

// Sensor returns one sensor with its newest values.
func (c *Client) Sensor(ctx context.Context, id string) (wire.Sensor, error) {
	return get[wire.Sensor](ctx, c, fill(wire.PathSensor, id))
}

// AddSensors adds sensors and returns them as they were matched.
func (c *Client) AddSensors(ctx context.Context, s []wire.NewSensor) (wire.SensorList, error) {
	return call[wire.SensorList](ctx, c, http.MethodPost, wire.PathSensors, wire.NewSensors{Sensors: s})
}

// PutReadings sends readings as JSON. name is the batch's, unique to this
// client: sending it again returns the first answer; "" for none.
func (c *Client) PutReadings(ctx context.Context, name string, r []wire.Reading) (wire.Ingested, error) {
	if r == nil {
		r = []wire.Reading{} // a list without readings, not none
	}
	raw, err := json.Marshal(wire.Readings{Readings: r})
	if err != nil {
		return wire.Ingested{}, fmt.Errorf("encoding readings: %w", err)
	}
	return c.PutBody(ctx, name, "application/json", raw)
}

// PutBody sends an encoded body of readings of any content type that the
// service takes.
func (c *Client) PutBody(ctx context.Context, name, contentType string, body []byte) (wire.Ingested, error) {
	header := http.Header{"Content-Type": {contentType}}
	if name != "" {
		header.Set(wire.HeaderIdempotency, name)
	}
	return decode[wire.Ingested](c.do(ctx, http.MethodPost, wire.PathReadings, header, bytes.NewReader(body)))
}

// State returns the state of every segment.
func (c *Client) State(ctx context.Context) (wire.State, error) {
	return get[wire.State](ctx, c, wire.PathState)
}

// StateGeoJSON returns the state of every segment with its shape.
func (c *Client) StateGeoJSON(ctx context.Context) (wire.FeatureCollection, error) {
	return get[wire.FeatureCollection](ctx, c, wire.PathStateGeoJSON)
}

// Forecasts returns the newest forecast of every segment.
func (c *Client) Forecasts(ctx context.Context) (wire.Forecasts, error) {
	return get[wire.Forecasts](ctx, c, wire.PathForecasts)
}

// Congestion returns the records of the given segments, of all when none is
// given.
func (c *Client) Congestion(ctx context.Context, segments ...string) (wire.CongestionList, error) {
	path := wire.PathCongestion
	if len(segments) > 0 {
		path += "?segment=" + url.QueryEscape(strings.Join(segments, ","))
	}
	return get[wire.CongestionList](ctx, c, path)
}

// CongestionOf returns the record of one segment.
func (c *Client) CongestionOf(ctx context.Context, segment string) (wire.Congestion, error) {
	return get[wire.Congestion](ctx, c, fill(wire.PathCongestionOf, segment))
}

// CongestionInZone returns the records of the segments in a zone.
func (c *Client) CongestionInZone(ctx context.Context, zone string) (wire.CongestionList, error) {
	return get[wire.CongestionList](ctx, c, wire.PathCongestion+"?zone="+url.QueryEscape(zone))
}

// ZoneCongestion returns the congestion of all zones.
func (c *Client) ZoneCongestion(ctx context.Context) (wire.ZoneCongestionList, error) {
	return get[wire.ZoneCongestionList](ctx, c, wire.PathCongestionZones)
}

// CongestionOfZone returns the congestion of one zone.
func (c *Client) CongestionOfZone(ctx context.Context, zone string) (wire.ZoneCongestion, error) {
	return get[wire.ZoneCongestion](ctx, c, fill(wire.PathCongestionZone, zone))
}

// Air returns the air at all stations.
func (c *Client) Air(ctx context.Context) (wire.AirStationList, error) {
	return get[wire.AirStationList](ctx, c, wire.PathAir)
}

// AirAt returns the air at one station.
func (c *Client) AirAt(ctx context.Context, station string) (wire.AirStation, error) {
	return get[wire.AirStation](ctx, c, fill(wire.PathAirStation, station))
}

// AirZones returns the air of all zones.
func (c *Client) AirZones(ctx context.Context) (wire.AirZoneList, error) {
	return get[wire.AirZoneList](ctx, c, wire.PathAirZones)
}

// AirOfZone returns the air of one zone.
func (c *Client) AirOfZone(ctx context.Context, zone string) (wire.AirZone, error) {
	return get[wire.AirZone](ctx, c, fill(wire.PathAirZone, zone))
}

// AirGrid returns one pollutant between the stations as squares, at the time
// there is that is nearest to at (zero: now).
func (c *Client) AirGrid(ctx context.Context, pollutant string, at time.Time) (wire.AirGrid, error) {
	path := wire.PathAirGrid + "?pollutant=" + url.QueryEscape(pollutant)
	if !at.IsZero() {
		path += "&at=" + url.QueryEscape(at.UTC().Format(time.RFC3339))
	}
	return get[wire.AirGrid](ctx, c, path)
}

// AirReceptor returns the air at any place of the city.
func (c *Client) AirReceptor(ctx context.Context, lon, lat float64) (wire.AirPoint, error) {
	return get[wire.AirPoint](ctx, c, fmt.Sprintf("%s?lon=%g&lat=%g", wire.PathAirReceptor, lon, lat))
}

// AirLimits returns what stations measured in a year against limit values; 0:
// the running year.
func (c *Client) AirLimits(ctx context.Context, year int) (wire.AirLimits, error) {
	path := wire.PathAirLimits
	if year != 0 {
		path += fmt.Sprintf("?year=%d", year)
	}
	return get[wire.AirLimits](ctx, c, path)
}

// Weather returns the hours of weather that were given and are not over.
func (c *Client) Weather(ctx context.Context) (wire.Weather, error) {
	return get[wire.Weather](ctx, c, wire.PathWeather)
}

// AddWeather gives hours of weather, measured or forecast; it returns all in
// force.
func (c *Client) AddWeather(ctx context.Context, hours ...wire.WeatherHour) (wire.Weather, error) {
	return call[wire.Weather](ctx, c, http.MethodPost, wire.PathWeather, wire.Weather{Hours: hours})
}

// Skill returns how good forecasts were, by scope: all, sensor, zone or hour.
func (c *Client) Skill(ctx context.Context, scope string) (wire.Skill, error) {
	return get[wire.Skill](ctx, c, wire.PathSkill+"?scope="+url.QueryEscape(scope))
}

// Models lists the forecasting models in use.
func (c *Client) Models(ctx context.Context) (wire.ModelList, error) {
	return get[wire.ModelList](ctx, c, wire.PathModels)
}

// RollBackModel lets the model serve that served a quantity and interval before
// the one that does, and lists the models in use.
func (c *Client) RollBackModel(ctx context.Context, m wire.ModelRollback) (wire.ModelList, error) {
	return call[wire.ModelList](ctx, c, http.MethodPost, wire.PathModelRollback, m)
}

// Tile returns a vector tile, empty where the city has nothing.
func (c *Client) Tile(ctx context.Context, z, x, y int) ([]byte, error) {
	path := fill(wire.PathTile, fmt.Sprint(z), fmt.Sprint(x), fmt.Sprint(y))
	resp, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}
