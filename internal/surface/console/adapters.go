package console

import (
	"cmp"
	"net/http"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// adapters lists the kinds of upstreams with the forms that they describe themselves by, those that are used most first.
func (s *Surface) adapters(w http.ResponseWriter, call *httpx.Call) error {
	adapters, err := s.Adapters(call.Context())
	if err != nil {
		return err
	}
	out := api.AdapterList{Items: make([]api.Adapter, len(adapters))}
	for i := range adapters {
		out.Items[i] = showAdapter(&adapters[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showAdapter(d *provider.Description) api.Adapter {
	out := api.Adapter{
		Name: d.Name, Title: d.Title, Logo: d.Logo, DefaultBaseUrl: d.DefaultBaseURL,
		AuthTypes: append([]string{}, d.AuthTypes...), Models: append([]string{}, d.Models...), Fields: []api.AdapterField{},
	}
	for i := range d.Credential {
		out.Fields = appendField(out.Fields, "", &d.Credential[i])
	}
	for i := range d.Config {
		out.Fields = appendField(out.Fields, "config.", &d.Config[i])
	}
	return out
}

// appendField leaves out what a form of single inputs cannot ask for, such as a map of headers.
func appendField(fields []api.AdapterField, prefix string, f *provider.Field) []api.AdapterField {
	kind, ok := fieldTypes[f.Type]
	if !ok {
		return fields
	}
	return append(fields, showField(prefix, f, kind))
}

var fieldTypes = map[string]api.AdapterFieldType{
	"text": api.Text, "url": api.Url, "secret": api.Password, "number": api.Number, "bool": api.Boolean, "select": api.Select,
	"textarea": api.Textarea,
}

func showField(prefix string, f *provider.Field, kind api.AdapterFieldType) api.AdapterField {
	out := api.AdapterField{
		Name: prefix + f.Name, Label: localized(f.Label, f.Name), Type: kind,
		Secret: f.Type == "secret", Required: f.Required, Default: f.Default, Options: f.Options,
	}
	if len(f.Help) > 0 {
		help := localized(f.Help, "")
		out.Help = &help
	}
	return out
}

// localized returns a text in both languages; where one is missing the other stands in.
func localized(text map[string]string, otherwise string) api.LocalizedText {
	en, zh := text["en"], text["zh"]
	return api.LocalizedText{En: cmp.Or(en, zh, otherwise), Zh: cmp.Or(zh, en, otherwise)}
}
