package client

import (
	"bufio"
	"strings"
	"testing"

	"tideway/api/wire"
)

func TestAnEventIsReadWhateverSurroundsIt(t *testing.T) {
	r := bufio.NewReader(strings.NewReader(": \n\nretry: 5\n\nid: 7\nevent: run\ndata: {\"id\":\ndata:\"a\"}\r\n\nid: 8\nevent: reset\ndata: {}\n\n"))
	e, err := readEvent(r)
	if err != nil || e.Seq != 7 || e.Type != wire.EventRun || string(e.Data) != `{"id":"a"}` {
		t.Errorf("first event %+v, %v", e, err)
	}
	if e, err = readEvent(r); err != nil || e.Seq != 8 || e.Type != wire.EventReset {
		t.Errorf("second event %+v, %v", e, err)
	}
	if _, err = readEvent(r); err == nil {
		t.Error("an event after the end")
	}
}

func TestPathsAreEncoded(t *testing.T) {
	if got := fill(wire.PathScenarioDiff, "a/b", "-1#2 ü"); got != "/v1/scenarios/a%2Fb/diff/-1%232%20%C3%BC" {
		t.Error(got)
	}
}

func FuzzReadEvent(f *testing.F) {
	f.Add("id: 7\nevent: run\ndata: {}\n\n")
	f.Add(": \n\nid: x\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := bufio.NewReader(strings.NewReader(text))
		for {
			if e, err := readEvent(r); err != nil {
				return
			} else if e.Type == "" {
				t.Fatalf("an event without type: %+v", e)
			}
		}
	})
}
