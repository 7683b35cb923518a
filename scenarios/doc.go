// Package scenarios is the what-if of the twin: a declarative document of
// changes to a city and its demand, the runs that try it against the base, and
// the comparison with its statistics.
//
// It stands on sim: Parse reads a Document, Apply lays its changes over a base
// (city and demand) and reports every problem at once, Compare simulates base
// and alternatives with the same random streams and finds the differences with
// their intervals, and a Lab does so as a service over a Store and a Queue that
// others provide. The package does no I/O: clocks, storage and queues are
// passed in. It knows nothing of forecasts; the twin joins the two.
//
// docs/scenarios.md is the document's manual, docs/models/statistics.md gives
// the tests and intervals with their sources.
package scenarios
