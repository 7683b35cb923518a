package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// Frame maps lon/lat (WGS 84, degrees) to the city's plane in metres and back:
// a transverse Mercator projection with a false origin. It covers UTM (Scale
// 0.9996, central meridian of the zone, false easting in East) and a local
// plane about any point (Scale 1).
type Frame struct {
	Meridian    float64 // central meridian, degrees
	Scale       float64 // on the central meridian
	East, North float64 // metres, added to the projected coordinates
}

// UTM returns the frame of a UTM zone, 1 to 60, with x and y shifted by the
// given metres (SUMO's netOffset).
func UTM(zone int, north bool, shiftX, shiftY float64) Frame {
	f := Frame{Meridian: float64(zone*6 - 183), Scale: 0.9996, East: 500000 + shiftX, North: shiftY}
	if !north {
		f.North += 10000000
	}
	return f
}

// LocalFrame returns the frame whose origin (0, 0) is at the given point and
// whose y axis points north there.
func LocalFrame(origin orb.Point) Frame {
	f := Frame{Meridian: origin.Lon(), Scale: 1}
	xy := f.XY(origin)
	f.East, f.North = -xy[0], -xy[1]
	return f
}

// WGS 84 and the series of Karney, Transverse Mercator with an accuracy of a
// few nanometers, J. Geodesy 85 (2011), eqs. 35 and 36, to the fourth order in
// the third flattening n: below 1 µm within 3000 km of the central meridian.
const (
	semiMajorM = 6378137.0
	flattening = 1 / 298.257223563
	thirdFlat  = flattening / (2 - flattening)
)

var (
	eccentricity = math.Sqrt(flattening * (2 - flattening))
	rectifyingM  = semiMajorM / (1 + thirdFlat) * (1 + thirdFlat*thirdFlat/4 + math.Pow(thirdFlat, 4)/64)
	seriesAlpha  = [4]float64{
		thirdFlat/2 - 2./3*p(2) + 5./16*p(3) + 41./180*p(4),
		13./48*p(2) - 3./5*p(3) + 557./1440*p(4),
		61./240*p(3) - 103./140*p(4),
		49561. / 161280 * p(4),
	}
	seriesBeta = [4]float64{
		thirdFlat/2 - 2./3*p(2) + 37./96*p(3) - 1./360*p(4),
		1./48*p(2) + 1./15*p(3) - 437./1440*p(4),
		17./480*p(3) - 37./840*p(4),
		4397. / 161280 * p(4),
	}
)

func p(k int) float64 { return math.Pow(thirdFlat, float64(k)) }

// XY returns the position of a lon/lat point in metres.
func (f Frame) XY(lonLat orb.Point) orb.Point {
	lat, dLon := lonLat.Lat()*math.Pi/180, (lonLat.Lon()-f.Meridian)*math.Pi/180
	sin := math.Sin(lat)
	t := math.Sinh(math.Atanh(sin) - eccentricity*math.Atanh(eccentricity*sin))
	xi, eta := math.Atan2(t, math.Cos(dLon)), math.Asinh(math.Sin(dLon)/math.Hypot(t, math.Cos(dLon)))
	x, y := eta, xi
	for j, a := range seriesAlpha {
		k := 2 * float64(j+1)
		x += a * math.Cos(k*xi) * math.Sinh(k*eta)
		y += a * math.Sin(k*xi) * math.Cosh(k*eta)
	}
	m := f.Scale * rectifyingM
	return orb.Point{m*x + f.East, m*y + f.North}
}

// LonLat returns the lon/lat in degrees of a position in metres.
func (f Frame) LonLat(xy orb.Point) orb.Point {
	m := f.Scale * rectifyingM
	xi, eta := (xy[1]-f.North)/m, (xy[0]-f.East)/m
	x, y := eta, xi
	for j, b := range seriesBeta {
		k := 2 * float64(j+1)
		x -= b * math.Cos(k*xi) * math.Sinh(k*eta)
		y -= b * math.Sin(k*xi) * math.Cosh(k*eta)
	}
	conformal := math.Sin(y) / math.Hypot(math.Sinh(x), math.Cos(y)) // tan of the conformal latitude
	lon := math.Atan2(math.Sinh(x), math.Cos(y))
	return orb.Point{f.Meridian + lon*180/math.Pi, geodeticLat(conformal) * 180 / math.Pi}
}

// geodeticLat inverts the conformal latitude by Newton's method on its tangent
// (Karney, eqs. 19 to 21); three steps reach the last bit.
func geodeticLat(target float64) float64 {
	e2 := eccentricity * eccentricity
	tau := target
	for range 4 {
		sigma := math.Sinh(eccentricity * math.Atanh(eccentricity*tau/math.Hypot(1, tau)))
		got := tau*math.Hypot(1, sigma) - sigma*math.Hypot(1, tau)
		tau += (target - got) / math.Hypot(1, got) * (1 + (1-e2)*tau*tau) / ((1 - e2) * math.Hypot(1, tau))
	}
	return math.Atan(tau)
}

// Line returns the lon/lat of a line given in metres.
func (f Frame) Line(xy orb.LineString) orb.LineString {
	out := make(orb.LineString, len(xy))
	for i, q := range xy {
		out[i] = f.LonLat(q)
	}
	return out
}
