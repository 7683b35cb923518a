package wire

import (
	"encoding/json"
	"time"
)

// EventType names what an event of the stream tells.
type EventType string

// Types of event, the "event" field of server-sent events.
const (
	EventSnapshot EventType = "snapshot" // data: StateDelta
	EventForecast EventType = "forecast" // data: ForecastIssued
	EventAir      EventType = "air"      // data: ForecastIssued, of the forecast that the air between the stations follows
	EventRun      EventType = "run"      // data: Run
	EventReset    EventType = "reset"    // data: Reset; what was missed is no longer held, get the state anew
)

// Event is one server-sent event: its "id" is Seq. A client that reconnects
// with Last-Event-ID gets what it missed, or a reset.
type Event struct {
	Seq  uint64          `json:"seq"`
	Type EventType       `json:"type"`
	Data json.RawMessage `json:"data"`
}

// ForecastIssued tells that a new forecast can be had.
type ForecastIssued struct {
	Seq      uint64    `json:"seq"`
	IssuedAt time.Time `json:"issued_at"`
}

// Reset tells a reconnecting client which events are held.
type Reset struct {
	Oldest uint64 `json:"oldest"`
	Newest uint64 `json:"newest"`
}
