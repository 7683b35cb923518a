package scenarios

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Clock is a time on the demand's clock, since its midnight or zero. Its text
// is HH:MM or HH:MM:SS; hours may pass 24.
type Clock time.Duration

// Duration returns the time since midnight or zero.
func (c Clock) Duration() time.Duration { return time.Duration(c) }

// String returns HH:MM:SS.
func (c Clock) String() string {
	s := int(time.Duration(c) / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// MarshalJSON writes the text.
func (c Clock) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// UnmarshalJSON reads the text.
func (c *Clock) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	v, err := ParseClock(text)
	*c = v
	return err
}

// ParseClock reads HH:MM or HH:MM:SS.
func ParseClock(text string) (Clock, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, fmt.Errorf("time %q is not HH:MM or HH:MM:SS", text)
	}
	total, scale := 0, 3600
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || i > 0 && n > 59 || n > 999 {
			return 0, fmt.Errorf("time %q is not HH:MM or HH:MM:SS", text)
		}
		total += n * scale
		scale /= 60
	}
	return Clock(time.Duration(total) * time.Second), nil
}

// has reports whether a time lies in the window; no window holds every time.
func (w *Window) has(t time.Duration) bool {
	return w == nil || t >= w.From.Duration() && t < w.To.Duration()
}
