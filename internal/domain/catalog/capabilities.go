package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Capabilities are what a model takes and gives. Zero numbers are unknown; empty lists say nothing.
type Capabilities struct {
	InputModalities  []string        `json:"inputModalities,omitempty"`
	OutputModalities []string        `json:"outputModalities,omitempty"`
	Features         []string        `json:"features,omitempty"`
	ContextWindow    int64           `json:"contextWindow,omitempty"`
	MaxOutputTokens  int64           `json:"maxOutputTokens,omitempty"`
	Params           json.RawMessage `json:"params,omitempty"`
}

const (
	maxTags   = 100
	maxTag    = 64
	maxTokens = 1 << 40
)

// ParseCapabilities reads capabilities that were entered at path; nothing, null and {} say nothing. Params is only known
// to be an object. Code: invalid_parameter, with the path of the member.
func ParseCapabilities(path string, raw json.RawMessage) (Capabilities, error) {
	var out Capabilities
	members, err := readObject(path, raw)
	if err != nil {
		return out, err
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := out.read(path+"."+name, name, members[name]); err != nil {
			return Capabilities{}, err
		}
	}
	return out, nil
}

func (c *Capabilities) read(path, name string, raw json.RawMessage) (err error) {
	switch name {
	case "inputModalities":
		c.InputModalities, err = readTags(path, raw)
	case "outputModalities":
		c.OutputModalities, err = readTags(path, raw)
	case "features":
		c.Features, err = readTags(path, raw)
	case "contextWindow":
		c.ContextWindow, err = readTokens(path, raw)
	case "maxOutputTokens":
		c.MaxOutputTokens, err = readTokens(path, raw)
	case "params":
		c.Params = raw
		_, err = readObject(path, raw)
	default:
		err = invalid(path, "There is no such key.")
	}
	return err
}

// readTags reads words that people filter by.
func readTags(path string, raw json.RawMessage) ([]string, error) {
	var words []string
	if json.Unmarshal(raw, &words) != nil || len(words) > maxTags {
		return nil, invalid(path, fmt.Sprintf("This is to be a list of at most %d words.", maxTags))
	}
	for i, word := range words {
		if word == "" || checkText("", word, maxTag) != nil {
			return nil, invalid(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("A word has 1 to %d characters.", maxTag))
		}
	}
	return words, nil
}

func readTokens(path string, raw json.RawMessage) (int64, error) {
	var n int64
	if json.Unmarshal(raw, &n) != nil || n < 0 || n > maxTokens || bytes.Equal(raw, null) {
		return 0, invalid(path, "This is to be a number of tokens that is not negative.")
	}
	return n, nil
}

var null = []byte("null")

// readObject takes an object apart; nothing and null have no members.
func readObject(path string, raw json.RawMessage) (map[string]json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // an object without members
	}
	if !json.Valid(raw) {
		return nil, fault.ErrBadJSON.At(path)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil, invalid(path, "This is to be an object.")
	}
	return members, nil
}

// ReadTypes reads the names of model types that were entered at path; a type that comes twice counts once.
// Code: invalid_parameter.
func ReadTypes(path string, names []string) ([]inference.ModelType, error) {
	var out []inference.ModelType
	for i, name := range names {
		t := inference.ModelType(name)
		if !slices.Contains(inference.ModelTypes, t) {
			return nil, invalid(fmt.Sprintf("%s[%d]", path, i), "The model type is not known.")
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, nil
}

func invalid(path, message string) error { return fault.ErrInvalid.Saying(message).At(path) }

// prefixed puts a path before the one that a fault names.
func prefixed(path string, err error) error {
	f := fault.From(err)
	if f == nil {
		return nil
	}
	return f.At(strings.TrimSuffix(path+"."+f.Path, "."))
}
