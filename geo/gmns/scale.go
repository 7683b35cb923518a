package gmns

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// scale turns the traffic units of the tables into SI and back without losing
// a bit: 50 km/h is written as 50 although 50/3.6 m/s has no short decimal, and
// any other value gets as many digits as it takes. value in SI = text × num/den.
type scale struct {
	num, den int64
	read     map[string]float64
	written  map[float64]string
}

func newScale(num, den int64) *scale {
	return &scale{num: num, den: den, read: map[string]float64{}, written: map[float64]string{}}
}

// parse returns the SI value nearest to the exact product.
func (s *scale) parse(text string) (float64, error) {
	if v, ok := s.read[text]; ok {
		return v, nil
	}
	v, err := s.exact(text)
	if err == nil {
		s.read[text] = v
	}
	return v, err
}

func (s *scale) exact(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("is %q, expected a finite number", text)
	}
	v := f * float64(s.num) / float64(s.den)
	// ParseFloat has bounded the exponent, so the exact product is cheap.
	if f != 0 && len(text) < 64 {
		if r, ok := new(big.Rat).SetString(text); ok {
			v, _ = r.Mul(r, big.NewRat(s.num, s.den)).Float64()
		}
	}
	return v, nil
}

// format returns a decimal that parse turns into v again: a short one when
// people chose the value, else with all its digits.
func (s *scale) format(v float64) string {
	if t, ok := s.written[v]; ok {
		return t
	}
	t := s.decimal(v)
	s.written[v] = t
	return t
}

func (s *scale) decimal(v float64) string {
	near := v / float64(s.num) * float64(s.den)
	for _, digits := range []int{6, 15, 16, 17} {
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(near, 'e', digits-1, 64), 64)
		t := number(rounded)
		if got, err := s.exact(t); err == nil && got == v {
			return t
		}
	}
	r := new(big.Rat).SetFloat64(v)
	exact := new(big.Float).SetPrec(200).SetRat(r.Mul(r, big.NewRat(s.den, s.num)))
	return exact.Text('g', 25)
}
