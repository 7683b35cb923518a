package sim

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// carID names a vehicle on the road; ids are used again after it has left.
type carID uint32

// veh is the part of a vehicle that is read and written every step: 128 bytes,
// two lines of the cache, no pointers. Planning needs little beyond the first. It
// lies in its track's block, front first. What others read of a vehicle while it
// plans (posM, speedMPS, flags) is written only when it moves.
type veh struct {
	posM     float64 // front bumper, from the begin of its track
	speedMPS float64
	nextMPS  float64 // planned for this step
	luck     uint64  // key of its imperfection stream
	factor   float32 // desired speed over limit
	advice   float32 // speed asked for by lane changing for the next step; none: adviceNone
	leaveM   float32 // space to leave at the end of the lane for blockers
	next     linkID  // link it takes at the end of its track; noLink: its way ends, or the lane leads elsewhere
	flags    flags   // as of the end of the last step
	plan     flags   // as planned in this step
	kind     kindID
	lc       lcState
	asks     uint8 // which of the links ahead it asked to pass in the last step; bit 0: the next one
	askPlan  uint8 // the same in this step
	_        [2]byte

	lossS   float64 // time loss so far
	id      carID
	look    lookID  // what lies ahead of its segment on its route; on inner tracks that of the segment it left
	path    int32   // where its segment is in the engine's paths; on inner tracks that of the segment it left
	came    linkID  // link by which it came onto its track
	waitS   float32 // time it has been below 0.1 m/s without a break
	stoodS  float32 // time it has been below 0.1 m/s in all
	accel   float32 // of the last step
	gain    float32 // inclination to change lanes for speed: right below 0, left above
	keep    float32 // inclination to keep right, below 0
	aheadV  float32 // speed that decides how far it looks ahead for lanes
	leftM   float32 // space left for an urgent change
	entered int32   // tick it entered the junction it is in
	claims  int32   // the same, by which others yield to it; never once it has yielded inside
	crosses int32   // tick it entered, or left its waiting point; never before, and once it has yielded
}

// never comes after all ticks.
const never = math.MaxInt32

type (
	kindID uint16
	flags  uint32
)

const (
	mustWait    flags = 1 << iota // cannot expect to leave its track soon
	stopped                       // at a planned stop
	hasHalt                       // a planned stop lies on its segment
	toHalt                        // planned stops lie ahead
	lastRoad                      // its segment is the last of its route
	standing                      // below 0.1 m/s
	changed                       // changed lanes in this step
	minorPass                     // is about to cross a link at which it gives way
	laneBlock                     // needs another lane and could not change
	newStop                       // came to stand in this step
	fresh                         // came onto its track in this step
	yielded                       // does not ask to leave the junction it is in
	laneFixed                     // has nothing to choose among the lanes of its segment
	foremost                      // was the first on its track when it planned
	endsShort                     // its way ends before the end of its segment
	nextWatched                   // somebody gives way to the link it takes next
	thenWatched                   // somebody gives way to the link it takes after the next one
)

const adviceNone = float32(math.MaxFloat32)

// kind is a vehicle type in the units of the kernel.
type kind struct {
	lengthM, gapM           float64
	maxMPS                  float64
	accel, decel, emergency float64
	sigma, tauS, impatience float64
	dt, perDT               float64 // step in seconds and its inverse
	stepBrake, perBrake     float64 // speed lost in one step of comfortable braking, and its inverse
	class                   geo.Class
	ignore                  bool
	factor, dev, fMin, fMax float64
	actionTicks             int64
	fullM                   float64 // length and gap
	perTwoB                 float64 // half of the inverse of decel
	reachS, marginM         float64 // time and distance besides braking within which a link matters
	slowMPS                 float64 // speed at a link at which one gives way, coming from where one sees nobody yet
	cooperative             float64
}

func newKind(t demand.VehicleType, step time.Duration) kind {
	dt := step.Seconds()
	k := kind{lengthM: float64(t.Length), gapM: float64(t.MinGap), maxMPS: float64(t.MaxSpeed), accel: float64(t.Accel),
		decel: float64(t.Decel), emergency: max(float64(t.EmergencyDecel), float64(t.Decel)), sigma: t.Sigma, tauS: t.Tau.Seconds(),
		impatience: t.Impatience, cooperative: 1, class: t.Class, ignore: t.IgnoreAllow, factor: t.SpeedFactor, dev: t.SpeedDev, fMin: t.SpeedMin, fMax: t.SpeedMax}
	k.stepBrake, k.perBrake = k.decel*dt, 1/(k.decel*dt)
	k.dt, k.perDT, k.perTwoB = dt, 1/dt, 0.5/k.decel
	k.fullM = k.lengthM + k.gapM
	k.reachS, k.marginM = max(k.tauS, dt), k.gapM+stopLineM
	k.slowMPS = k.afterM(nearM, k.holdMPS(nearM, 0))
	k.actionTicks = max(1, int64(t.ActionStep/step))
	return k
}

// speedFactor draws a vehicle's desired speed over the limit: a normal
// distribution cut at its bounds by drawing again.
func (k *kind) speedFactor(s rng.Stream) float64 {
	if k.dev <= 0 {
		return k.factor
	}
	for range 32 {
		if f := k.factor + k.dev*s.Normal(); f >= k.fMin && f <= k.fMax {
			return f
		}
	}
	return min(max(k.factor, k.fMin), k.fMax)
}

// car is the part of a vehicle that is needed only now and then. Its stops lie
// in the engine's halts.
type car struct {
	trip     int32 // position in the engine's trips
	at       int32 // position on its route
	path     span  // its route: segments and outlooks
	depart   int64 // tick of insertion
	stoppedS float64
	drivenM  float64 // up to the begin of its track
	startM   float64 // where it was inserted
	stops    int32
	halt     int32 // next planned stop in its trip
	dwell    int64 // ticks left at the stop it stands at
	released int32
	rerouted bool
	live     bool
	own      bool    // path is its own, not a route of the demand
	airTick  int64   // after a release: when it tries again to land
	segLossS float64 // time loss when it entered its segment
	enteredS float64 // time at which it entered its segment
	freeS    float64 // undisturbed time to the end of its lane
	haltedS  float64 // time of its first halt on its segment; below 0: none
}

// span is a run of cells of the engine's path arena.
type span struct{ begin, count int32 }
