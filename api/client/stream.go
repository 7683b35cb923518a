package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"tideway/api/wire"
)

// Stream calls on with every event of the service until ctx ends, the service
// stops, or on returns an error, which Stream returns. after is the number of
// the last event seen, 0 to begin with what comes next: call Stream again with
// the newest Seq to go on after a broken connection. A service that stops ends
// the stream with io.EOF.
func (c *Client) Stream(ctx context.Context, after uint64, on func(wire.Event) error) error {
	header := http.Header{"Accept": {wire.TypeSSE}}
	if after > 0 {
		header.Set("Last-Event-ID", strconv.FormatUint(after, 10))
	}
	return c.events(ctx, wire.PathStream, header, on)
}

// FollowRun calls on (may be nil) whenever a run changed and returns the run
// when it has ended.
func (c *Client) FollowRun(ctx context.Context, id string, on func(wire.Run)) (run wire.Run, err error) {
	err = c.events(ctx, fill(wire.PathRunEvents, id), http.Header{"Accept": {wire.TypeSSE}}, func(e wire.Event) error {
		if err := json.Unmarshal(e.Data, &run); err != nil {
			return fmt.Errorf("reading an event of run %s: %w", id, err)
		}
		if on != nil {
			on(run)
		}
		return nil
	})
	if err == io.EOF && run.State.Ended() {
		err = nil
	}
	return run, err
}

func (c *Client) events(ctx context.Context, path string, header http.Header, on func(wire.Event) error) error {
	resp, err := c.do(ctx, http.MethodGet, path, header, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	r := bufio.NewReaderSize(resp.Body, 64<<10)
	for {
		e, err := readEvent(r)
		if err != nil {
			return err
		}
		if err := on(e); err != nil {
			return err
		}
	}
}

// readEvent reads one server-sent event; comments are skipped.
func readEvent(r *bufio.Reader) (e wire.Event, err error) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			if e.Seq, err = strconv.ParseUint(value, 10, 64); err != nil {
				return e, fmt.Errorf("event number %q: %w", value, err)
			}
		case "event":
			e.Type = wire.EventType(value)
		case "data":
			e.Data = append(e.Data, value...)
		case "":
			if strings.TrimRight(line, "\r\n") == "" && e.Type != "" {
				return e, nil
			}
		}
	}
}
