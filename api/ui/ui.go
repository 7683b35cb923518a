// Package ui holds the built page. Its source is beside it (TypeScript, built
// by Vite into dist under stable names); the build is committed, so that the
// program needs no Node, and the gate rebuilds and compares it.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Files returns the page's files, index.html at the top.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("ui: the embedded page has no dist folder: " + err.Error())
	}
	return files
}
