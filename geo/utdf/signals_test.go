package utdf_test

import (
	"math"
	"testing"
	"time"

	"tideway/geo"
	"tideway/sim/signal"
)

// busy sees vehicles everywhere.
type busy struct{}

func (busy) Waiting(int) bool                    { return true }
func (busy) Detected(int) bool                   { return true }
func (busy) Gap(int) time.Duration               { return 0 }
func (busy) Coming(int) (float64, time.Duration) { return 1, 0 }
func (busy) Full(int) bool                       { return false }
func (busy) Bus(int) bool                        { return false }
func (busy) Emergency(int) bool                  { return false }

// Carried out by our controllers, coordinated plans turn green when Synchro
// says they do: with traffic everywhere every phase keeps its split.
func TestControllersTurnGreenAtTheStartsOfTheFile(t *testing.T) {
	const step = 100 * time.Millisecond
	for name, data := range files(t) {
		f := read(t, name, data)
		c, _ := imported(t, f)
		worst, n := 0.0, 0
		for _, s := range c.Signals.All() {
			p := c.Plans.At(s.Plan)
			if !coordinated(p) {
				continue
			}
			for i := range p.Phases {
				p.Phases[i].Groups, p.Phases[i].Permissive = []int{i}, nil
			}
			control := signal.New(p, len(p.Phases), 0)
			was := make([]bool, len(p.Phases))
			for now := time.Duration(0); now < 4*p.Cycle; now += step {
				for i, v := range control.Step(now, busy{}) {
					if v.IsGreen() && !was[i] && now > 2*p.Cycle {
						want, _ := value(f, "Phases", "Start", s.ID, p.Phases[i].Phase)
						off := math.Abs(math.Remainder(now.Seconds()-want, p.Cycle.Seconds()))
						if off > 0.25 { // rounding of the file and the step
							t.Errorf("%s: signal %s phase %d turns green at %.1f s of the clock, the file says %.1f", name, s.ID, p.Phases[i].Phase, math.Mod(now.Seconds(), p.Cycle.Seconds()), want)
						}
						worst, n = math.Max(worst, off), n+1
					}
					was[i] = v.IsGreen()
				}
			}
		}
		t.Logf("%s: %d greens, worst %.2f s", name, n, worst)
	}
}

func coordinated(p geo.Plan) bool {
	for _, ph := range p.Phases {
		if ph.Coordinated {
			return true
		}
	}
	return false
}
