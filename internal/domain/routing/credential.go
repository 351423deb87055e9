package routing

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

const (
	maxCredentials = 1000
	maxSecret      = 64 << 10
	// keyField is the field that the short forms of credentials fill.
	keyField = "apiKey"
)

// plainCredential is a credential as it was entered, before it is sealed.
type plainCredential struct {
	name   string
	fields map[string]string
	weight int64
	path   string
}

// at is the path at which a field was entered.
func (c *plainCredential) at(field string) string {
	if field == keyField && c.path != "credentials" {
		field = "key"
	}
	return c.path + "." + field
}

// locate moves an adapter's fault about a field of the credential to where the field was entered.
func (c *plainCredential) locate(err error) error {
	f := fault.From(err)
	if field, ok := strings.CutPrefix(f.Path, "credentials."); ok {
		return f.At(c.at(field))
	}
	return f
}

// readCredentials reads {apiKey}, {keys:[{name,key,weight}]} or the provider's own fields. Nothing, null and {} are one
// credential without fields. Codes: invalid_parameter with the path.
func readCredentials(raw json.RawMessage, known []AdapterField) ([]plainCredential, error) {
	var members map[string]json.RawMessage
	if len(bytes.TrimSpace(raw)) > 0 {
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, invalid("credentials", "This is to be an object.")
		}
	}
	if keys, ok := members["keys"]; ok {
		return readKeys(keys, members)
	}
	fields := map[string]string{}
	for name, value := range members {
		path := "credentials." + name
		if !slices.ContainsFunc(known, func(f AdapterField) bool { return f.Name == name }) {
			return nil, invalid(path, "The provider has no such field.")
		}
		s, err := readSecret(path, value)
		if err != nil {
			return nil, err
		}
		fields[name] = s
	}
	return []plainCredential{{name: "default", fields: fields, weight: 1, path: "credentials"}}, nil
}

func readKeys(raw json.RawMessage, members map[string]json.RawMessage) ([]plainCredential, error) {
	if len(members) > 1 {
		return nil, invalid("credentials", "Beside keys there can be no other field.")
	}
	err := check("credentials.keys", raw, list(object(map[string]shape{"name": text, "key": text, "weight": whole(0)})))
	if err != nil {
		return nil, err
	}
	var keys []struct {
		Name   string          `json:"name"`
		Key    json.RawMessage `json:"key"`
		Weight *int64          `json:"weight"`
	}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, fault.ErrBadJSON.At("credentials.keys")
	}
	if len(keys) == 0 || len(keys) > maxCredentials {
		return nil, invalid("credentials.keys", fmt.Sprintf("There are to be 1 to %d keys.", maxCredentials))
	}
	out := make([]plainCredential, len(keys))
	for i, k := range keys {
		c := plainCredential{name: k.Name, weight: 1, path: fmt.Sprintf("credentials.keys[%d]", i)}
		if c.name == "" {
			c.name = "key-" + strconv.Itoa(i+1)
		}
		if k.Weight != nil {
			c.weight = *k.Weight
		}
		key, err := readSecret(c.path+".key", k.Key)
		if err != nil {
			return nil, err
		}
		c.fields = map[string]string{keyField: key}
		out[i] = c
	}
	return out, nil
}

// readSecret takes a text, or an object such as a service account, whose JSON is the text. A masked preview that comes
// back is refused: it would replace the secret by stars.
func readSecret(path string, raw json.RawMessage) (string, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
			return "", invalid(path, "This is to be a text.")
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			return "", invalid(path, "This is to be a text.")
		}
		s = compact.String()
	}
	s = strings.TrimSpace(s)
	if len(s) > maxSecret || strings.ContainsAny(s, "\x00\r") {
		return "", invalid(path, "The value is too long or holds control characters.")
	}
	if strings.HasPrefix(s, "****") {
		return "", invalid(path, "This is a masked preview and not the secret itself.")
	}
	return s, nil
}

// seal makes the row of a credential.
func seal(box *secret.Box, c plainCredential, platform id.ID, now time.Time) (Credential, error) {
	plain, err := json.Marshal(c.fields)
	if err != nil {
		return Credential{}, err
	}
	row := Credential{
		ID: id.At(now), PlatformID: platform, Name: c.name, Preview: map[string]string{}, Weight: c.weight,
		Status: Enabled, CreatedAt: now, UpdatedAt: now,
	}
	for name, value := range c.fields {
		row.Preview[name] = secret.New(value).Preview()
	}
	row.Sealed, err = box.Seal(plain, credentialPlace(row.ID))
	return row, err
}

func credentialPlace(credential id.ID) string { return "platform_credential|" + credential.String() }

// Unseal returns a credential's fields, for whoever calls the upstream. The error says nothing of them.
func Unseal(box *secret.Box, c *Credential) (map[string]secret.String, error) {
	plain, err := box.Open(c.Sealed, credentialPlace(c.ID))
	if err != nil {
		return nil, err
	}
	var fields map[string]string
	if err := json.Unmarshal(plain, &fields); err != nil {
		return nil, secret.ErrSealed
	}
	out := make(map[string]secret.String, len(fields))
	for name, value := range fields {
		out[name] = secret.New(value)
	}
	return out, nil
}

// CredentialsPreview shows a platform's credentials masked, in the shape in which they are entered.
func (p *Platform) CredentialsPreview() map[string]any {
	out := map[string]any{}
	if len(p.Credentials) == 1 {
		for name, mask := range p.Credentials[0].Preview {
			out[name] = mask
		}
		return out
	}
	keys := make([]map[string]any, len(p.Credentials))
	for i := range p.Credentials {
		c := &p.Credentials[i]
		keys[i] = map[string]any{"name": c.Name, "weight": c.Weight, "status": c.Status}
		for _, name := range slices.Sorted(maps.Keys(c.Preview)) {
			keys[i]["key"] = c.Preview[name]
		}
	}
	out["keys"] = keys
	return out
}
