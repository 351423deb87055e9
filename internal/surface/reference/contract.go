package reference

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Place is where a group of operations answers.
type Place struct {
	// URL is what their paths are relative to: "", a prefix such as /drawing, or //host with or without a prefix.
	URL string
	// Operations are those that are served, as "METHOD /path" with parameters in braces.
	Operations []string
}

// Contract is the document of one surface as this installation serves it. It is made when it is first asked for.
type Contract struct {
	surface  string
	document func() (*document, error)
}

// document is a contract in the form that is sent.
type document struct {
	title, version string
	operations     int
	plain, packed  []byte
	tag            string
}

// NewContract returns the contract of a surface. source is its OpenAPI document in YAML; operations that are in none of the
// places are left out. Where places differ, those that are not the first's are named in the paths.
func NewContract(surface string, source []byte, places ...Place) *Contract {
	return &Contract{surface, sync.OnceValues(func() (*document, error) {
		d, err := compile(source, places)
		if err != nil {
			return nil, fmt.Errorf("contract of %s: %w", surface, err)
		}
		return d, nil
	})}
}

func compile(source []byte, places []Place) (*document, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(source, &file); err != nil {
		return nil, err
	}
	root := file.Content[0]
	d := &document{}
	d.title, d.version = text(root, "info", "title"), text(root, "info", "version")
	set(root, "servers", serverList(places[0].URL))
	d.operations = keepServed(member(root, "paths"), places)
	keepTags(root)
	d.plain = appendJSON(nil, root)
	sum := sha256.Sum256(d.plain)
	d.tag = hex.EncodeToString(sum[:16])
	return d, d.pack()
}

func (d *document) pack() error {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(d.plain); err != nil {
		return err
	}
	err := w.Close()
	d.packed = out.Bytes()
	return err
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// parameter is one in a path. A route may take the rest of the path as one, for which a contract has a name, and a verb behind
// it, as Google's paths have.
var parameter = regexp.MustCompile(`\{[^}]*\}(:[A-Za-z]+)?|\*`)

// Key is what an operation of a contract and a route have in common when they are the same: the names of parameters differ.
func Key(operation string) string { return parameter.ReplaceAllString(operation, "{}") }

// keepServed leaves out what is not served, says where the rest is, and counts it.
func keepServed(paths *yaml.Node, places []Place) (operations int) {
	where := map[string]string{}
	for _, p := range places {
		for _, operation := range p.Operations {
			where[Key(operation)] = p.URL
		}
	}
	filter(paths, func(path string, item *yaml.Node) bool {
		server := places[0].URL
		kept := 0
		filter(item, func(method string, _ *yaml.Node) bool {
			if !slices.Contains(methods, method) {
				return true
			}
			url, served := where[Key(strings.ToUpper(method)+" "+path)]
			if served {
				server = url
				kept++
			}
			return served
		})
		if kept > 0 && server != places[0].URL {
			set(item, "servers", serverList(server))
		}
		operations += kept
		return kept > 0
	})
	return operations
}

// keepTags leaves out descriptions of tags that no operation has.
func keepTags(root *yaml.Node) {
	used := map[string]bool{}
	filter(member(root, "paths"), func(_ string, item *yaml.Node) bool {
		filter(item, func(_ string, op *yaml.Node) bool {
			if tags := member(op, "tags"); tags != nil {
				for _, t := range tags.Content {
					used[t.Value] = true
				}
			}
			return true
		})
		return true
	})
	tags := member(root, "tags")
	if tags == nil {
		return
	}
	kept := tags.Content[:0]
	for _, t := range tags.Content {
		if used[text(t, "name")] {
			kept = append(kept, t)
		}
	}
	tags.Content = kept
}

func serverList(url string) *yaml.Node {
	if url == "" {
		url = "/"
	}
	entry := &yaml.Node{Kind: yaml.MappingNode}
	set(entry, "url", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: url})
	return &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{entry}}
}
