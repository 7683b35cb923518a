package geo_test

import "testing"

func TestDraftOfACityBuildsTheSameCity(t *testing.T) {
	c := build(t, cross())
	if again := build(t, c.Draft()); again.Version != c.Version {
		t.Errorf("version %s became %s", c.Version, again.Version)
	}
}
