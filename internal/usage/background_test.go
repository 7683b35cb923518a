package usage_test

import (
	"testing"

	"tideway/internal/usage"
)

func TestBackgroundRunsToItsEnd(t *testing.T) {
	sum := 0
	usage.Background(func() {
		for i := range 1000 {
			sum += i
		}
	})
	if sum != 499500 {
		t.Fatalf("sum %d", sum)
	}
}
