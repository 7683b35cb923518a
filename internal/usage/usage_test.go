package usage_test

import (
	"runtime"
	"testing"

	"tideway/internal/usage"
)

func TestUseGrowsWithWorkAndMemory(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		t.Skip("no data: this system does not tell")
	}
	before := usage.CPU()
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = byte(i)
	}
	if usage.CPU() <= before {
		t.Error("64 MB written without CPU time")
	}
	if mb := usage.PeakMB(); mb < 64 || mb > 1e6 {
		t.Errorf("peak is %.0f MB after 64 MB were written", mb)
	}
	runtime.KeepAlive(block)
}
