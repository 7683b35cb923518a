package main

import (
	"testing"
	"time"

	"tideway/internal/world"
	"tideway/scenarios"
)

func TestReadyScenariosFitTheDemo(t *testing.T) {
	city, err := world.City(world.DefaultSegments)
	if err != nil {
		t.Fatal(err)
	}
	start := world.DemoStart(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), city.TimeZone)
	w, err := world.New(city, world.Options{Start: start, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range readyScenarios() {
		if _, err := scenarios.Apply(d, scenarios.Base{City: city, Demand: w.Demand(start)}); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
	}
}
