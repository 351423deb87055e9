package reference

import (
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// member returns a mapping's value under a key, nil when there is none.
func member(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// text returns the scalar at a path of keys, "" when there is none.
func text(n *yaml.Node, keys ...string) string {
	for _, key := range keys {
		if n = member(n, key); n == nil {
			return ""
		}
	}
	return n.Value
}

// set puts a value under a key.
func set(n *yaml.Node, key string, value *yaml.Node) {
	if old := member(n, key); old != nil {
		*old = *value
		return
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

// filter keeps the members of a mapping that keep wants.
func filter(n *yaml.Node, keep func(key string, value *yaml.Node) bool) {
	kept := n.Content[:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		if keep(n.Content[i].Value, n.Content[i+1]) {
			kept = append(kept, n.Content[i], n.Content[i+1])
		}
	}
	n.Content = kept
}

// appendJSON writes a node as JSON. Members keep their order, which is the order in which people are meant to read them.
func appendJSON(out []byte, n *yaml.Node) []byte {
	switch n.Kind { //nolint:exhaustive // what is left is a scalar: a document is opened before
	case yaml.AliasNode:
		return appendJSON(out, n.Alias)
	case yaml.MappingNode:
		out = append(out, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendText(out, n.Content[i].Value), ':')
			out = appendJSON(out, n.Content[i+1])
		}
		return append(out, '}')
	case yaml.SequenceNode:
		out = append(out, '[')
		for i, item := range n.Content {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSON(out, item)
		}
		return append(out, ']')
	}
	return appendScalar(out, n)
}

// appendScalar writes numbers, truth values and null as such and everything else, such as dates, as text.
func appendScalar(out []byte, n *yaml.Node) []byte {
	var v any
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!null":
		if err := n.Decode(&v); err == nil {
			if b, err := json.Marshal(v); err == nil {
				return append(out, b...)
			}
		}
	}
	return appendText(out, n.Value)
}

func appendText(out []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a text always has a JSON form
	}
	return append(out, b...)
}
