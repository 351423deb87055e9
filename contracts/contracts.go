// Package contracts holds the OpenAPI documents of the surfaces: what is on the wire, the truth that code is generated
// from and answers are checked against.
package contracts

import "embed"

//go:embed *.openapi.yaml
var files embed.FS

// Read returns the document <name>.openapi.yaml.
func Read(name string) ([]byte, error) { return files.ReadFile(name + ".openapi.yaml") }
