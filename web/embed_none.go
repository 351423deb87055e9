//go:build noconsole

// Package web carries the built console inside the binary.
package web

import "io/fs"

// Files reports that this binary was built without the console.
func Files() (files fs.FS, ok bool) {
	return nil, false
}
