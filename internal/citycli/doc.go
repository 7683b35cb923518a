// Package citycli holds the bodies of `tideway import` and `tideway export`:
// they open files, call the readers and writers of package geo's family, and
// print the audit for people or, with --json, as one object.
package citycli
