// Package api is the HTTP service: it lets machines and people read the city's
// state and forecasts, send readings, and try scenarios. It stands on
// internal/twin (seen through the interface Twin) and speaks api/wire.
//
// A hot GET serves bytes that were encoded once per state version: a goroutine
// wakes when the twin has something new, encodes the columns, and swaps an
// atomic pointer; a request compares an ETag or copies those bytes. Everything
// else goes through huma, which validates inputs against the schema that it
// also publishes, so the OpenAPI document cannot drift from the code.
//
// This is the only package that imports fiber. fiber reuses a request's memory,
// so the server runs with Immutable and copies every body before anyone else
// sees it.
package api
