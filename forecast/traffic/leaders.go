package traffic

import (
	"slices"

	"tideway/forecast"
	"tideway/internal/parallel"
)

// neighboursOf returns each sensor's nearest downstream, its nearest upstream
// that is another one, and of those linked to it otherwise the two that lead it
// most. Links that run both ways alike, as published matrices have them, do not
// tell where queues come from; the past does.
func neighboursOf(in *forecast.Training) [][nearCount]neighbour {
	out := make([][nearCount]neighbour, len(in.Panel.Series))
	parallel.ForShards(in.Threads, len(out), 64, func(s parallel.Shard) {
		for row := s.Begin; row < s.End; row++ {
			down, up := linked(&in.Links.Down, row), linked(&in.Links.Up, row)
			near := &out[row]
			near[0] = first(down)
			up = without(up, near[0])
			near[1] = first(up)
			others := without(append(without(down, near[0]), up...), near[1])
			near[2], near[3] = leaders(in, row, others)
		}
	})
	return out
}

// linked lists a row's links, nearest first.
func linked(a *forecast.Arcs, row int) (out []neighbour) {
	for e := a.Begin[row]; e < a.Begin[row+1]; e++ {
		out = append(out, neighbour{a.Row[e], a.Weight[e]})
	}
	return out
}

func first(v []neighbour) neighbour {
	if len(v) == 0 {
		return neighbour{row: -1}
	}
	return v[0]
}

func without(v []neighbour, gone neighbour) []neighbour {
	return slices.DeleteFunc(slices.Clone(v), func(nb neighbour) bool { return nb.row == gone.row })
}

// leaders returns the two of some neighbours whose residual, in a regression
// beside a sensor's own, takes most off the squared residual of the sensor at
// the middle horizon; row -1 where none does.
func leaders(in *forecast.Training, row int, among []neighbour) (best, second neighbour) {
	best.row, second.row = -1, -1
	var most, next float64
	for i, nb := range among {
		if slices.ContainsFunc(among[:i], func(o neighbour) bool { return o.row == nb.row }) {
			continue // linked both ways
		}
		switch gain := leads(in, int(nb.row), row); {
		case gain > most:
			best, second, most, next = nb, best, gain, most
		case gain > next:
			second, next = nb, gain
		}
	}
	return best, second
}

// leadOrigins is the number of origins, at most, that a leader is chosen by.
const leadOrigins = 4096

// leads returns by how much the residual of one row lowers the squared residual
// of another at the middle horizon, beside what its own tells; 0 where both go
// different ways.
func leads(in *forecast.Training, one, other int) float64 {
	n, step := in.Panel.Steps(), in.Steps[(len(in.Steps)-1)/2]
	left := func(row, at int) float64 {
		return float64(in.Panel.Values[row*n+at] - in.Usual[row*n+at])
	}
	var xx, xz, zz, xy, zy float64
	for t := 0; t+step < n; t += max(1, n/leadOrigins) {
		x, z, y := left(other, t), left(one, t), left(other, t+step)
		if sum := x + z + y; sum == sum {
			xx, xz, zz, xy, zy = xx+x*x, xz+x*z, zz+z*z, xy+x*y, zy+z*y
		}
	}
	alone := zz - xz*xz/xx // of the one, what the other's own does not tell
	if shared := zy - xz*xy/xx; shared > 0 && alone > 1e-3*zz {
		return shared * shared / alone
	}
	return 0
}
