package dispersion

import (
	"math"
	"slices"
)

// tile is a few neighbouring receptors that share one list of what to sum.
type tile struct {
	x, y, w, h float64 // centre and half extents in wind coordinates
	rows       []int32 // receptors
}

const tileReceptors = 24

// tiles groups the given receptors (positions xs, ys in wind coordinates) by
// halving the set across its longer side until few are left.
func tiles(rows []int32, xs, ys []float64) []tile {
	var out []tile
	rows = slices.Clone(rows) // the tiles keep their part of it
	var split func([]int32)
	split = func(r []int32) {
		t := bounds(r, xs, ys)
		if len(r) <= tileReceptors {
			out = append(out, t)
			return
		}
		by := xs
		if t.h > t.w {
			by = ys
		}
		halve(r, by)
		split(r[:len(r)/2])
		split(r[len(r)/2:])
	}
	if len(rows) > 0 {
		split(rows)
	}
	return out
}

// halve moves the half of rows with the smaller keys to the front (quickselect;
// equal keys are ordered by row, so the outcome is unique).
func halve(rows []int32, key []float64) {
	less := func(a, b int32) bool { return key[a] < key[b] || key[a] == key[b] && a < b }
	lo, hi, mid := 0, len(rows)-1, len(rows)/2
	for lo < hi {
		p := rows[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for less(rows[i], p) {
				i++
			}
			for less(p, rows[j]) {
				j--
			}
			if i <= j {
				rows[i], rows[j] = rows[j], rows[i]
				i++
				j--
			}
		}
		switch {
		case mid <= j:
			hi = j
		case mid >= i:
			lo = i
		default:
			return
		}
	}
}

func bounds(rows []int32, xs, ys []float64) tile {
	x0, x1, y0, y1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, i := range rows {
		x0, x1, y0, y1 = math.Min(x0, xs[i]), math.Max(x1, xs[i]), math.Min(y0, ys[i]), math.Max(y1, ys[i])
	}
	return tile{(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2, rows}
}

// reach says when a rectangle of sources is far enough from a tile to be seen
// as its four points. Larger is faster and coarser.
type reach struct {
	across float64 // half extent across the wind over plume width, squared and halved
	along  float64 // half extent along the wind over downwind distance
	around float64 // half extent over distance, outside the plume
}

var farReach = reach{across: .8, along: .5, around: .7}

// plan is what a tile sums: nearby elements one by one, and points of far
// rectangles, those inside whose plume the tile may lie and those of which
// only the meander reaches it.
type plan struct {
	near, plume, around []int32 // elements; nodes; nodes
}

// directly is the number of elements up to which a far rectangle is summed
// element by element, which costs no more than its four points.
const directly = 2

// plan walks the tree for one tile.
func (t *tree) plan(k *kernel, at *tile, far reach, out *plan) {
	out.near, out.plume, out.around = out.near[:0], out.plume[:0], out.around[:0]
	stack := append(make([]int32, 0, 128), 0)
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := &t.nodes[i]
		switch v := k.view(at, n, far); {
		case v == tooNear && !n.leaf():
			for _, c := range n.child {
				if c != 0 {
					stack = append(stack, c)
				}
			}
		case v == tooNear || n.end-n.begin <= directly:
			for e := n.begin; e < n.end; e++ {
				out.near = append(out.near, e)
			}
		case v == inPlume:
			out.plume = append(out.plume, i)
		default:
			out.around = append(out.around, i)
		}
	}
}

type view uint8

const (
	tooNear view = iota
	inPlume
	outside
)

// view tells how the tile sees the rectangle.
func (k *kernel) view(at *tile, n *node, far reach) view {
	dx, dy := at.x-n.x, at.y-n.y
	sw, sh := at.w+n.w, at.h+n.h
	gx, gy := math.Max(math.Abs(dx)-sw, 0), math.Max(math.Abs(dy)-sh, 0)
	if top := dx + sw; top > 0 && gy*gy*k.narrowing(top) < expReach {
		near := dx - sw
		if near > 0 && n.w <= far.along*near && n.h*n.h*k.narrowing(near) <= far.across {
			return inPlume
		}
		return tooNear
	}
	if r2 := gx*gx + gy*gy; math.Max(n.w*n.w, n.h*n.h) <= far.around*far.around*r2 {
		return outside
	}
	return tooNear
}

// narrowing is 1/2σ_y² at a distance.
func (k *kernel) narrowing(x float64) float64 {
	i, t := locate(clamp(x, maxDistance))
	return float64(k.plume[i&plumeMask].s + t*k.plume[i&plumeMask].ds)
}
