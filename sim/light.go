package sim

import "tideway/geo"

// Light returns what a group of a signal has shown in the last step: geo.Off
// before the first.
func (e *Engine) Light(s geo.SignalID, group int) geo.SignalState {
	return geo.SignalState(e.lights[int(e.net.groups[s])+group])
}
