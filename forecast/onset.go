package forecast

// onsetLevel is the probability of congestion from which it counts as
// announced: more likely than not. It is not raised to buy precision, nor
// lowered to buy recall: on loop detectors, days left out, the precision falls
// so slowly between them that both ends are a matter of taste.
const onsetLevel = .5

// Announces reports whether a forecast announces congestion, that is a speed
// below threshold: by its probability, or by its value where it has none.
func (p Point) Announces(threshold float32) bool {
	if isMissing(p.PCongested) {
		return p.Value < threshold
	}
	return p.PCongested >= onsetLevel
}

// Onsets counts, over roads that were free when a forecast was issued, how often
// congestion was announced, how often it came, and how often both.
type Onsets struct{ announced, came, both float64 }

// Add counts the forecast p of a road whose newest speed was last, in any unit;
// the road counts as congested below threshold. Missing values count nothing.
func (o *Onsets) Add(p Point, last, truth, threshold float32) {
	if !(last >= threshold) || isMissing(truth) || isMissing(p.Value) {
		return
	}
	said, jam := p.Announces(threshold), truth < threshold
	o.announced += float64(one(said))
	o.came += float64(one(jam))
	o.both += float64(one(said && jam))
}

// Plus adds other counts.
func (o *Onsets) Plus(other Onsets) {
	o.announced, o.came, o.both = o.announced+other.announced, o.came+other.came, o.both+other.both
}

// Recall returns the share of onsets that were announced, NaN when none came.
func (o *Onsets) Recall() float64 { return o.both / o.came }

// Precision returns the share of announced onsets that came, NaN when none was
// announced.
func (o *Onsets) Precision() float64 { return o.both / o.announced }
