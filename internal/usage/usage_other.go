//go:build !unix

package usage

import "time"

// CPU is not measured on this system.
func CPU() time.Duration { return 0 }

// PeakMB is not measured on this system.
func PeakMB() float64 { return 0 }
