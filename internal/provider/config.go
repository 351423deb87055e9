package provider

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// ErrConfig says that an account's settings are not what its adapter needs; its path names the field.
var ErrConfig = fault.New(400, "provider_config_invalid", "The provider's settings are not valid.")

// FaultConfig returns ErrConfig for one field, such as "config.headers", with a message that repeats no value.
func FaultConfig(path, message string) error { return ErrConfig.Saying(message).At(path) }

// DecodeConfig reads an adapter's settings into the struct that into points to. Empty settings leave it as it is.
// Members that the struct does not name are refused, as are values of another type. Error: ErrConfig.
func DecodeConfig(raw []byte, into any) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return FaultConfig("config", "The settings must be a JSON object.")
	}
	fields := reflect.ValueOf(into).Elem()
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names) // so that the same mistake is always reported first
	for _, name := range names {
		i := fieldNamed(fields.Type(), name)
		if i < 0 {
			return FaultConfig("config."+name, "There is no such setting.")
		}
		if json.Unmarshal(members[name], fields.Field(i).Addr().Interface()) != nil {
			return FaultConfig("config."+name, "The setting has the wrong type.")
		}
	}
	return nil
}

func fieldNamed(t reflect.Type, name string) int {
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag == name {
			return i
		}
	}
	return -1
}

// ParseBaseURL reads a base URL, or the default where it is empty: http or https, a host, no user, query or fragment.
// A slash at the end is dropped. Error: ErrConfig at baseUrl.
func ParseBaseURL(text, byDefault string) (*url.URL, error) {
	if text == "" {
		text = byDefault
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, FaultConfig("baseUrl", "The base URL must be an http or https address.")
	case u.User != nil:
		return nil, FaultConfig("baseUrl", "The base URL must not hold a user name or password.")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, FaultConfig("baseUrl", "The base URL must not have a query or a fragment.")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}
