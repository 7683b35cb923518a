package leak

import (
	"strings"
	"testing"
	"time"
)

func TestAGoroutineThatStaysIsNamed(t *testing.T) {
	end := make(chan struct{})
	go stay(end)
	if err := left(0); err == nil || !strings.Contains(err.Error(), "leak.stay") {
		t.Errorf("a goroutine that waits: %v", err)
	}
	close(end)
	if err := left(time.Minute); err != nil {
		t.Errorf("after it ended: %v", err)
	}
}

func stay(end chan struct{}) { <-end }
