// Package tideway is a digital twin of a city's traffic and air. The program is
// cmd/tideway; this root holds only the test of the project's architecture.
// docs/architecture.md opens with the glossary.
package tideway
