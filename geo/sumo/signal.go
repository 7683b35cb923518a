package sumo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
)

func readProgram(e *element, file string, additional bool) rawProgram {
	p := rawProgram{signal: e.must("id"), id: strings.TrimPrefix(e.text("programID"), programPrefix), kind: e.text("type"), offset: e.seconds("offset", 0),
		additional: additional, file: file, where: e.where}
	if p.id == "" {
		p.id = "0"
	}
	return p
}

// readPhase adds a stage to the program under way.
func (im *importer) readPhase(e *element) {
	if len(im.programs) == 0 {
		e.wrong("stands outside a tlLogic")
		return
	}
	p := &im.programs[len(im.programs)-1]
	s := geo.Stage{Name: e.text("name"), Duration: e.seconds("duration", 0)}
	s.Min, s.Max = e.seconds("minDur", s.Duration), e.seconds("maxDur", s.Duration)
	if s.Duration <= 0 && s.Min > 0 {
		s.Duration = s.Min // actuated programs may give limits only
	}
	if s.Duration <= 0 {
		e.wrong("lasts %v, expected more than 0 s", s.Duration)
	}
	for i, c := range []byte(e.must("state")) {
		if c == 'Y' {
			c = 'y' // yellow with priority, of old networks
		}
		state := geo.SignalState(c)
		if !state.Valid() {
			e.wrong("of signal %s shows %q at link %d, expected one of rugGyoOs", p.signal, string(rune(c)), i)
			state = geo.Red
		}
		s.States = append(s.States, state)
	}
	for word := range strings.FieldsSeq(e.text("next")) {
		n, err := strconv.Atoi(word)
		if err != nil {
			e.wrong("next is %q, expected stage numbers from 0", word)
			continue
		}
		s.Next = append(s.Next, n)
	}
	p.stages = append(p.stages, s)
}

// addSignals makes a signal of every controller that has a program. A group is
// a link index; several connections may share one.
func (im *importer) addSignals() {
	groups := map[string]int{}
	for _, l := range im.links {
		if l.signal != "" {
			groups[l.signal] = max(groups[l.signal], l.group+1)
		}
	}
	for _, p := range im.programs {
		if _, known := im.signalAt[p.signal]; known || len(p.stages) == 0 {
			continue
		}
		if groups[p.signal] == 0 && p.additional {
			im.drop("program", p.signal+"/"+p.id, fmt.Sprintf("%s: the network has no signal %s", p.where, p.signal))
			continue
		}
		im.signalAt[p.signal] = geo.SignalID(len(im.draft.Signals))
		im.draft.Signals = append(im.draft.Signals, geo.Signal{ID: p.signal, Groups: max(groups[p.signal], len(p.stages[0].States)), Plan: geo.NoPlan})
	}
}

// addPlans puts the last program of each signal in force. Programs of the
// network give way to those of additional files.
func (im *importer) addPlans() {
	replaced, final := map[string]string{}, map[string]int{}
	for i, p := range im.programs {
		if p.additional {
			replaced[p.signal] = p.id + " of " + p.file
		}
		final[p.signal+"/"+p.id] = i
	}
	for i := range im.programs {
		p := &im.programs[i]
		name := p.signal + "/" + p.id
		s, known := im.signalAt[p.signal]
		switch {
		case len(p.stages) == 0:
			im.drop("program", name, p.where+": it has no phases")
		case !known: // dropped with its signal
		case !p.additional && replaced[p.signal] != "":
			im.drop("program", name, "replaced by program "+replaced[p.signal])
		case final[name] != i:
			im.drop("program", name, p.where+": a later program has the same id")
		default:
			im.addPlan(p, s)
		}
	}
}

func (im *importer) addPlan(p *rawProgram, s geo.SignalID) {
	signal := &im.draft.Signals[s]
	plan := geo.Plan{ID: p.id, Signal: s, Offset: p.offset, Stages: p.stages}
	for k, st := range p.stages {
		plan.Cycle += st.Duration
		if len(st.States) != signal.Groups {
			im.bad.Addf(p.where, p.signal+"/"+p.id, "<tlLogic> phase %d has %d states, expected %d for the links of the signal", k, len(st.States), signal.Groups)
		}
		for _, n := range st.Next {
			if n < 0 || n >= len(p.stages) {
				im.bad.Addf(p.where, p.signal+"/"+p.id, "<tlLogic> phase %d is followed by phase %d of %d", k, n, len(p.stages))
			}
		}
	}
	if p.kind != "static" && p.kind != "" {
		plan.Kind = geo.Actuated
	}
	if plan.Cycle > 24*time.Hour {
		im.bad.Addf(p.where, p.signal+"/"+p.id, "<tlLogic> has a cycle of %v, expected less than a day", plan.Cycle)
	}
	signal.Plan = geo.PlanID(len(im.draft.Plans))
	im.draft.Plans = append(im.draft.Plans, plan)
}
