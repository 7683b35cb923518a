package signal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim/signal"
)

const s = time.Second

func states(letters string) []geo.SignalState {
	out := make([]geo.SignalState, len(letters))
	for i := range letters {
		out[i] = geo.SignalState(letters[i])
	}
	return out
}

func text(states []geo.SignalState) string {
	b := make([]byte, len(states))
	for i := range states {
		b[i] = byte(states[i])
	}
	return string(b)
}

// eyes is a Sight set by hand.
type eyes struct {
	waiting map[int]bool
	gap     map[int]time.Duration

	coming               map[int]float64
	full, bus, emergency map[int]bool
	blind                map[int]bool
}

func (e eyes) Waiting(g int) bool { return e.waiting[g] }
func (e eyes) Gap(g int) time.Duration {
	if d, ok := e.gap[g]; ok {
		return d
	}
	return time.Hour
}

func (e eyes) Detected(g int) bool { return !e.blind[g] }
func (e eyes) Coming(g int) (float64, time.Duration) {
	return e.coming[g], time.Duration(2*e.coming[g]) * s
}
func (e eyes) Full(g int) bool      { return e.full[g] }
func (e eyes) Bus(g int) bool       { return e.bus[g] }
func (e eyes) Emergency(g int) bool { return e.emergency[g] }

func twoStage(kind geo.PlanKind) geo.Plan {
	return geo.Plan{ID: "p", Kind: kind, Cycle: 40 * s, Offset: 10 * s, Stages: []geo.Stage{
		{Duration: 15 * s, Min: 5 * s, Max: 25 * s, States: states("Gr")}, {Duration: 5 * s, Min: 5 * s, Max: 5 * s, States: states("yr")},
		{Duration: 15 * s, Min: 5 * s, Max: 25 * s, States: states("rG")}, {Duration: 5 * s, Min: 5 * s, Max: 5 * s, States: states("ry")}}}
}

func TestFixedPlanBeginsAtItsOffset(t *testing.T) {
	c := signal.New(twoStage(geo.FixedTime), 2, 0)
	for at, want := range map[time.Duration]string{10 * s: "Gr", 24 * s: "Gr", 25 * s: "yr", 30 * s: "rG", 45 * s: "ry", 50 * s: "Gr", 9 * s: "ry", 0: "rG"} {
		if got := text(signal.New(twoStage(geo.FixedTime), 2, 0).Step(at, eyes{})); got != want {
			t.Errorf("at %v: %s, want %s", at, got, want)
		}
	}
	for at := time.Duration(0); at < 200*s; at += s {
		stage, _ := signal.StageAt(twoStage(geo.FixedTime), at)
		if got, want := text(c.Step(at, eyes{})), text(twoStage(geo.FixedTime).Stages[stage].States); got != want {
			t.Fatalf("stepped to %v: %s, want %s", at, got, want)
		}
	}
}

// greenOf steps a controller and returns how long its first green of group 0
// that begins after from lasts.
func greenOf(c signal.Controller, see signal.Sight, from time.Duration) time.Duration {
	begin := time.Duration(-1)
	for at := time.Duration(0); at < from+500*s; at += s {
		green := c.Step(at, see)[0].IsGreen()
		switch {
		case green && begin < 0 && at >= from:
			begin = at
		case !green && begin >= 0:
			return at - begin
		}
	}
	return -1
}

func TestActuatedGreenGapsOutAtMinimumAndMaxesOut(t *testing.T) {
	idle, busy := eyes{}, eyes{gap: map[int]time.Duration{0: 0, 1: 0}}
	if got := greenOf(signal.New(twoStage(geo.Actuated), 2, 0), idle, 60*s); got != 5*s {
		t.Errorf("nobody there: green lasts %v, want its minimum of 5s", got)
	}
	if got := greenOf(signal.New(twoStage(geo.Actuated), 2, 0), busy, 60*s); got != 25*s {
		t.Errorf("steady flow: green lasts %v, want its maximum of 25s", got)
	}
}

// eight is a NEMA plan over groups 0 to 7 for phases 1 to 8.
func eight(coordinated bool) geo.Plan {
	p := geo.Plan{ID: "nema", Kind: geo.RingBarrier, Cycle: 80 * s}
	for n := 1; n <= 8; n++ {
		ring := (n-1)/4 + 1
		at := (n - 1) % 4
		split := 25 * s
		if n%2 == 1 {
			split = 15 * s
		}
		p.Phases = append(p.Phases, geo.RingPhase{Phase: n, Ring: ring, Barrier: at/2 + 1, Position: at%2 + 1, Groups: []int{n - 1}, Split: split,
			MinGreen: 5 * s, MaxGreen: 30 * s, Yellow: 3 * s, AllRed: 1 * s, Passage: 2 * s, Coordinated: coordinated && (n == 2 || n == 6)})
	}
	return p
}

// barrierOf gives the side of the barrier of a group of eight.
func barrierOf(g int) int { return g % 4 / 2 }

func TestRingsNeverCrossTheBarrierAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := signal.New(eight(rapid.Bool().Draw(t, "coordinated")), 8, 0)
		was := make([]geo.SignalState, 8)
		for at := time.Duration(0); at < 600*s; at += s {
			see := eyes{waiting: map[int]bool{}, gap: map[int]time.Duration{}}
			for g := range 8 {
				see.waiting[g] = rapid.IntRange(0, 3).Draw(t, "waiting") == 0
				if rapid.Bool().Draw(t, "passing") {
					see.gap[g] = 0
				}
			}
			now := c.Step(at, see)
			side := -1
			for g, v := range now {
				if v == geo.Red {
					continue
				}
				if side >= 0 && barrierOf(g) != side {
					t.Fatalf("at %v: %s shows both sides of the barrier", at, text(now))
				}
				side = barrierOf(g)
			}
			for g := range now {
				if was[g] == geo.Protected && now[g] == geo.Red {
					t.Fatalf("at %v: group %d goes from green to red: %s after %s", at, g, text(now), text(was))
				}
			}
			copy(was, now)
		}
	})
}

func TestCoordinatedPhasesEndAtTheirForceOff(t *testing.T) {
	c := signal.New(eight(true), 8, 0)
	all := eyes{waiting: map[int]bool{}, gap: map[int]time.Duration{}}
	for g := range 8 {
		all.waiting[g], all.gap[g] = true, 0
	}
	var ends []time.Duration
	was := geo.Red
	for at := time.Duration(0); at < 800*s; at += s {
		now := c.Step(at, all)[1]
		if was == geo.Protected && now == geo.Yellow {
			ends = append(ends, at%(80*s))
		}
		was = now
	}
	for _, e := range ends[1:] {
		if e != 36*s { // splits of phases 1 and 2 are 15 and 25 s, less 4 s of clearance
			t.Errorf("phase 2 ends %v into the cycle, want 36s: %v", e, ends)
		}
	}
}

func TestControllersGoOnFromWhatTheySaved(t *testing.T) {
	for _, p := range []geo.Plan{twoStage(geo.FixedTime), twoStage(geo.Actuated), eight(true)} {
		a, b := signal.New(p, 8, 0), signal.New(p, 8, 0)
		see := eyes{waiting: map[int]bool{1: true, 3: true, 6: true}, gap: map[int]time.Duration{0: 0}}
		for at := time.Duration(0); at < 137*s; at += s {
			a.Step(at, see)
		}
		if rest := b.Load(a.Save(nil)); len(rest) != 0 {
			t.Fatalf("%v: %d words left", p.Kind, len(rest))
		}
		for at := 137 * s; at < 400*s; at += s {
			if x, y := text(a.Step(at, see)), text(b.Step(at, see)); x != y {
				t.Fatalf("%v at %v: %s, loaded %s", p.Kind, at, x, y)
			}
		}
	}
}

func TestScheduleLooksBackOverMidnight(t *testing.T) {
	sched := []geo.PlanSwitch{{Signal: 1, Days: 1 << time.Friday, At: 22 * time.Hour, Plan: 7}, {Signal: 1, Days: geo.EveryDay &^ (1 << time.Saturday), At: 6 * time.Hour, Plan: 3}}
	for _, x := range []struct {
		day  time.Weekday
		at   time.Duration
		want geo.PlanID
	}{{time.Monday, 7 * time.Hour, 3}, {time.Monday, 5 * time.Hour, 3}, {time.Saturday, 12 * time.Hour, 7}, {time.Friday, 23 * time.Hour, 7}, {time.Friday, 30 * time.Hour, 7}} {
		if got := signal.PlanAt(sched, 1, 9, x.day, x.at); got != x.want {
			t.Errorf("%v %v: plan %d, want %d", x.day, x.at, got, x.want)
		}
	}
	if got := signal.PlanAt(sched, 2, 9, time.Monday, 0); got != 9 {
		t.Errorf("a signal without schedule has plan %d, want its own", got)
	}
}

func kinds(issues []signal.Issue) map[signal.IssueKind]bool {
	out := map[signal.IssueKind]bool{}
	for _, i := range issues {
		out[i.Kind] = true
	}
	return out
}

func TestValidationFindsWhatIsWrong(t *testing.T) {
	c := netdraw.City("   b\n   |\n   |\na--X--c\n   |\n   |\n   d")
	base := c.Plans.At(c.Signals.At(0).Plan)
	if err := signal.Check(c, base); err != nil {
		t.Fatalf("the drawn plan: %v", err)
	}
	edit := func(f func(p *geo.Plan)) map[signal.IssueKind]bool {
		p := base
		p.Stages = nil
		for _, st := range base.Stages {
			st.States = append([]geo.SignalState(nil), st.States...)
			p.Stages = append(p.Stages, st)
		}
		f(&p)
		return kinds(signal.Validate(c, p))
	}
	if !edit(func(p *geo.Plan) {
		for g := range p.Stages[0].States {
			p.Stages[0].States[g] = geo.Protected
		}
	})[signal.ConflictingGreen] {
		t.Error("all green at once not found")
	}
	if got := edit(func(p *geo.Plan) { p.Stages = []geo.Stage{p.Stages[0], greenStage(p.Stages)} }); !got[signal.NoYellow] || !got[signal.NoClearance] {
		t.Errorf("green to red at once: found %v", got)
	}
	if !edit(func(p *geo.Plan) { p.Stages = p.Stages[:1] })[signal.NeverGreen] {
		t.Error("groups without green not found")
	}
	if !edit(func(p *geo.Plan) { p.Kind = geo.Actuated; p.Stages[0].Min, p.Stages[0].Max = 90*s, 20*s })[signal.Limits] {
		t.Error("minimum above maximum not found")
	}
}

// greenStage returns the first stage that shows green to somebody who has none
// in the first.
func greenStage(stages []geo.Stage) geo.Stage {
	for _, st := range stages[1:] {
		for g, v := range st.States {
			if v.IsGreen() && !stages[0].States[g].IsGreen() {
				return st
			}
		}
	}
	return stages[0]
}

func TestRingValidation(t *testing.T) {
	c := netdraw.City("   b\n   |\n   |\na--X--c\n   |\n   |\n   d")
	p := eight(false)
	n := c.Signals.At(0).Groups
	for i := range p.Phases {
		p.Phases[i].Groups = []int{i % n}
	}
	p.Phases[1].Split = 60 * s
	p.Phases[3].Split = 6 * s
	p.Phases[4].Walk, p.Phases[4].PedClear = 7*s, 14*s
	p.Phases[5].Yellow = 0
	p.Phases[7].Groups = []int{99}
	got := kinds(signal.Validate(c, p))
	for _, want := range []signal.IssueKind{signal.SplitSum, signal.BarrierSum, signal.SplitTooShort, signal.PedestrianTime, signal.NoYellow, signal.UnknownGroup} {
		if !got[want] {
			t.Errorf("%s not found in %v", want, got)
		}
	}
}

func pressurePlan() geo.Plan {
	p := twoStage(geo.MaxPressure)
	p.MaxRed = 60 * s
	return p
}

func TestPressureServesWhomMostComeTo(t *testing.T) {
	c := signal.New(pressurePlan(), 2, 0)
	see := eyes{coming: map[int]float64{1: 4}, waiting: map[int]bool{1: true}}
	shown := ""
	for at := time.Duration(0); at < 12*s; at += s {
		shown += text(c.Step(at, see))[:2] + " "
	}
	// 5 s of minimum green, 5 s of yellow as the plan has it, then the other.
	if want := "Gr Gr Gr Gr Gr yr yr yr yr yr rG rG "; shown != want {
		t.Errorf("%s, want %s", shown, want)
	}
	c = signal.New(pressurePlan(), 2, 0)
	for at := time.Duration(0); at < 100*s; at += s {
		if got := text(c.Step(at, eyes{})); got != "Gr" {
			t.Fatalf("nobody comes, but at %v it shows %s", at, got)
		}
	}
	see = eyes{coming: map[int]float64{0: 1, 1: 50}, full: map[int]bool{1: true}}
	for at := 100 * s; at < 120*s; at += s {
		if got := text(c.Step(at, see)); got != "Gr" {
			t.Fatalf("the street behind group 1 is full, but at %v it shows %s", at, got)
		}
	}
}

// Whatever comes, greens keep minimum and maximum, nobody who waits stays red
// for longer than the guard, and no green ends without yellow.
func TestPressureKeepsItsGuards(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := pressurePlan()
		p.Stages[0].Max, p.Stages[2].Max = 25*s, 25*s
		c := signal.New(p, 2, 0)
		var last [2]geo.SignalState
		var since, red [2]time.Duration
		for at := time.Duration(0); at < 400*s; at += s {
			// Who waits is one of those who come: with nobody for the other stage a green goes on beyond its maximum.
			see := eyes{coming: map[int]float64{0: rapid.Float64Range(1, 30).Draw(rt, "a"), 1: rapid.Float64Range(1, 30).Draw(rt, "b")}, waiting: map[int]bool{0: true, 1: true}}
			now := c.Step(at, see)
			for g := range 2 {
				if now[g] != last[g] {
					if last[g] == geo.Protected {
						if d := at - since[g]; d < 5*s || d > 25*s {
							rt.Fatalf("group %d was green for %v", g, d)
						}
						if now[g] != geo.Yellow {
							rt.Fatalf("group %d goes from green to %c", g, now[g])
						}
					}
					last[g], since[g] = now[g], at
				}
				if now[g].IsGreen() {
					red[g] = at
				} else if at-red[g] > 61*s {
					rt.Fatalf("group %d has been red for %v", g, at-red[g])
				}
			}
			if now[0].IsGreen() && now[1].IsGreen() {
				rt.Fatal("both are green")
			}
		}
	})
}

// Pedestrians have no detector: they get their green all the same.
func TestPressureServesWhoCannotCall(t *testing.T) {
	c := signal.New(pressurePlan(), 2, 0)
	see := eyes{coming: map[int]float64{0: 9}, waiting: map[int]bool{0: true}, blind: map[int]bool{1: true}}
	last, greens := time.Duration(0), 0
	for at := time.Duration(0); at < 600*s; at += s {
		if c.Step(at, see)[1].IsGreen() {
			last = at
			greens++
		} else if at-last > 61*s {
			t.Fatalf("red for %v at %v", at-last, at)
		}
	}
	if greens < 40 || greens > 150 {
		t.Errorf("%d s of green in ten minutes", greens)
	}
}

func TestPressureSavesAndLoads(t *testing.T) {
	see := eyes{coming: map[int]float64{0: 2, 1: 9}, waiting: map[int]bool{1: true}}
	a := signal.New(pressurePlan(), 2, 0)
	for at := time.Duration(0); at < 8*s; at += s {
		a.Step(at, see)
	}
	b := signal.New(pressurePlan(), 2, 8*s)
	if rest := b.Load(append(a.Save(nil), 7)); len(rest) != 1 || rest[0] != 7 {
		t.Fatalf("left over: %v", rest)
	}
	for at := 8 * s; at < 60*s; at += s {
		if x, y := text(a.Step(at, see)), text(b.Step(at, see)); x != y {
			t.Fatalf("at %v %s and %s", at, x, y)
		}
	}
}

func TestBusesLengthenAndCutGreens(t *testing.T) {
	p := twoStage(geo.FixedTime)
	p.Offset, p.Bus = 0, 8*s
	none, here, there := eyes{}, eyes{bus: map[int]bool{0: true}}, eyes{bus: map[int]bool{1: true}}
	for _, x := range []struct {
		see  eyes
		want time.Duration
	}{{none, 15 * s}, {here, 23 * s}, {there, 7 * s}} {
		if got := greenOf(signal.New(p, 2, 0), x.see, 0); got != x.want {
			t.Errorf("bus at %v: green lasts %v, want %v", x.see.bus, got, x.want)
		}
	}
	// What was given is taken back: after one long green the plan is in step again.
	c := signal.New(p, 2, 0)
	for at := time.Duration(0); at < 400*s; at += s {
		see := none
		if at < 23*s {
			see = here
		}
		now := text(c.Step(at, see))
		stage, _ := signal.StageAt(p, at)
		if plain := text(p.Stages[stage].States); at > 80*s && now != plain {
			t.Fatalf("at %v it shows %s, the plan %s", at, now, plain)
		}
	}
}

func TestEmergencyVehiclesGetTheirGreen(t *testing.T) {
	for _, kind := range []geo.PlanKind{geo.FixedTime, geo.Actuated, geo.MaxPressure} {
		p := twoStage(kind)
		p.Offset, p.Preempt = 0, true
		c := signal.New(p, 2, 0)
		see := eyes{emergency: map[int]bool{1: true}, coming: map[int]float64{0: 40}, waiting: map[int]bool{0: true}, gap: map[int]time.Duration{0: 0}}
		for at := time.Duration(0); at < 90*s; at += s {
			now := text(c.Step(at, see))
			if at < 5*s && now != "Gr" || at >= 10*s && now != "rG" {
				t.Fatalf("%v at %v: %s", kind, at, now)
			}
		}
	}
}

// A protected green that becomes permissive is found when those who were in the
// junction need longer to leave it than those who start need to get there.
func TestStepsDownNeedClearing(t *testing.T) {
	c, plan, _ := crossing()
	to := plan.Stages[0].States
	from := make([]geo.SignalState, len(to))
	for g := range from {
		from[g] = geo.Red
	}
	for g, v := range to {
		if v != geo.Permissive {
			continue
		}
		from[g] = geo.Protected
		down := signal.StepsDown(c, plan.Signal, from, to)
		issues := kinds(signal.Validate(c, geo.Plan{Signal: plan.Signal, Stages: []geo.Stage{{Duration: 9 * s, States: from}, {Duration: 9 * s, States: to}}}))
		if !slices.Equal(down, []int{g}) || !issues[signal.ShortClearance] {
			t.Errorf("group %d: %v step down, issues are %v", g, down, issues)
		}
		if again := signal.StepsDown(c, plan.Signal, to, to); len(again) > 0 {
			t.Errorf("%v step down in a plan that does not change", again)
		}
		from[g] = geo.Red
	}
}

// shownAfter returns what a max-pressure controller of stages with minima of
// 5 s and maxima of 25 s, clearances of 5 s behind each, shows at a time.
func shownAfter(at time.Duration, see eyes, greens ...string) string {
	p := geo.Plan{ID: "p", Kind: geo.MaxPressure}
	for _, g := range greens {
		yellow := strings.NewReplacer("G", "y", "g", "y").Replace(g)
		p.Stages = append(p.Stages, geo.Stage{Duration: 10 * s, Min: 5 * s, Max: 25 * s, States: states(g)},
			geo.Stage{Duration: 5 * s, Min: 5 * s, Max: 5 * s, States: states(yellow)})
	}
	c := signal.New(p, len(greens[0]), 0)
	shown := ""
	for now := time.Duration(0); now <= at; now += s {
		shown = text(c.Step(now, see))
	}
	return shown
}

func TestPressureMaximumEndsAGreenForSomebodyOnly(t *testing.T) {
	busy := map[int]float64{0: 20}
	if got := shownAfter(60*s, eyes{coming: busy}, "Gr", "rG"); got != "Gr" {
		t.Errorf("60 s with nobody else coming: %s, want to rest in green", got)
	}
	busy[1] = 0.1
	if got := shownAfter(24*s, eyes{coming: busy}, "Gr", "rG"); got != "Gr" {
		t.Errorf("before the maximum: %s", got)
	}
	if got := shownAfter(25*s, eyes{coming: busy}, "Gr", "rG"); got != "yr" {
		t.Errorf("at the maximum with somebody coming: %s, want the end of the green", got)
	}
}
