package scenarios

// Op is the name of an operation.
type Op string

// Operations.
const (
	OpSetPlan      Op = "signal.setPlan"
	OpAdjust       Op = "signal.adjust"
	OpSetControl   Op = "signal.setControl"
	OpCloseSegment Op = "segment.close"
	OpSetSpeed     Op = "segment.setSpeed"
	OpCloseLane    Op = "lane.close"
	OpBanTurn      Op = "turn.ban"
	OpAllowTurn    Op = "turn.allow"
	OpScale        Op = "demand.scale"
	OpShift        Op = "demand.shift"
	OpSetMatrix    Op = "demand.setMatrix"
	OpIncident     Op = "incident.add"
	OpLowEmission  Op = "zone.lowEmission"
	OpRevert       Op = "revert"
)

// kind is what an operation's selector names.
type kind uint8

const (
	onNothing kind = iota
	onSignals
	onSegments
	onLanes
	onTurns
)

var kindNames = [...]string{"nothing", "signals", "segments", "lanes", "turns"}

// opSpec tells what is known of an operation.
type opSpec struct {
	op       Op
	on       kind
	windowed bool // a time window can be kept
	args     func() Args
	about    string
}

// opSpecs is the list of operations; a new one is added here and nowhere else.
func opSpecs() []opSpec {
	return []opSpec{
		{OpSetPlan, onSignals, true, func() Args { return new(SetPlan) }, "Put a plan in force: one the signal has, or a new one."},
		{OpAdjust, onSignals, true, func() Args { return new(AdjustSignal) }, "Change splits, offset or cycle of the plan in force."},
		{OpSetControl, onSignals, true, func() Args { return new(SetControl) }, "Change how the plan in force is carried out: fixed, actuated, coordinated, max-pressure, with priorities."},
		{OpCloseSegment, onSegments, false, func() Args { return new(CloseSegment) }, "Close all lanes to everybody, or to all but some classes."},
		{OpSetSpeed, onSegments, false, func() Args { return new(SetSpeed) }, "Set or scale the speed limit."},
		{OpCloseLane, onLanes, false, func() Args { return new(CloseLane) }, "Close single lanes."},
		{OpBanTurn, onTurns, false, func() Args { return new(BanTurn) }, "Forbid turns between segments."},
		{OpAllowTurn, onTurns, false, func() Args { return new(AllowTurn) }, "Permit classes on existing turns."},
		{OpScale, onNothing, true, func() Args { return new(ScaleDemand) }, "Multiply trips by a factor: all, by class, type, zone or pair of zones."},
		{OpShift, onNothing, true, func() Args { return new(ShiftDemand) }, "Move departures in time."},
		{OpSetMatrix, onNothing, true, func() Args { return new(SetMatrix) }, "Set the number of trips between zones."},
		{OpIncident, onLanes, false, func() Args { return new(AddIncident) }, "Block lanes from a time on, for a duration that may be drawn per replication."},
		{OpLowEmission, onSegments, false, func() Args { return new(LowEmission) }, "Keep vehicles out of an area: by class, which changes traffic, or by emission standard, which changes the fleet."},
		{OpRevert, onNothing, false, func() Args { return new(Revert) }, "Take back an earlier change: the inverse of every operation."},
	}
}

func specOf(op Op) (opSpec, bool) {
	for _, s := range opSpecs() {
		if s.op == op {
			return s, true
		}
	}
	return opSpec{}, false
}

func opNames() []string {
	var names []string
	for _, s := range opSpecs() {
		names = append(names, string(s.op))
	}
	return names
}
