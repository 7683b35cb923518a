package api

import (
	"strconv"
	"sync"
)

// maxHeldEvents and maxHeldBytes bound the events kept for clients that
// reconnect or are slow.
const (
	maxHeldEvents = 1024
	maxHeldBytes  = 16 << 20
)

// hub keeps the newest events of the stream, formatted once. Readers follow it
// with a cursor of their own: a slow one holds nobody up and keeps nothing
// alive; when its cursor has left the ring it is told to start anew.
type hub struct {
	mu     sync.RWMutex
	events [][]byte // formatted; the newest is event seq
	bytes  int
	seq    uint64
	wake   broadcast
	closed bool
}

// newHub returns a hub whose first event gets the number start+1. Numbers are
// milliseconds at the start of the program, so that those of an earlier life
// are known to be old.
func newHub(start uint64) *hub { return &hub{seq: start} }

// publish adds an event of a type with data in JSON.
func (h *hub) publish(kind string, data []byte) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.seq++
	e := formatEvent(h.seq, kind, data)
	h.events, h.bytes = append(h.events, e), h.bytes+len(e)
	for len(h.events) > maxHeldEvents || (h.bytes > maxHeldBytes && len(h.events) > 1) {
		h.bytes -= len(h.events[0])
		h.events[0] = nil
		h.events = h.events[1:]
	}
	h.mu.Unlock()
	h.wake.wake()
}

// formatEvent writes a server-sent event (WHATWG HTML, 9.2). JSON holds no line
// breaks, so the data is one line.
func formatEvent(seq uint64, kind string, data []byte) []byte {
	b := make([]byte, 0, len(data)+len(kind)+48)
	b = strconv.AppendUint(append(b, "id: "...), seq, 10)
	b = append(append(b, "\nevent: "...), kind...)
	b = append(append(b, "\ndata: "...), data...)
	return append(b, "\n\n"...)
}

// after returns the events that follow cursor and the number of the last one.
// When some of them are gone it returns ok false and the range that is held.
func (h *hub) after(cursor uint64) (events [][]byte, last uint64, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	oldest := h.seq - uint64(len(h.events)) + 1
	if cursor+1 < oldest || cursor > h.seq {
		return nil, h.seq, false
	}
	return h.events[cursor+1-oldest:], h.seq, true
}

// newest returns the number of the newest event.
func (h *hub) newest() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.seq
}

// oldest returns the number of the oldest event held.
func (h *hub) oldest() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.seq - uint64(len(h.events)) + 1
}

// close ends all streams.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.wake.wake()
}

func (h *hub) isClosed() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.closed
}
