package fakegemini

import (
	"fmt"
	"regexp"
	"slices"
)

var functionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$`)

var builtIn = []string{"googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "googleMaps", "computerUse", "fileSearch", "enterpriseWebSearch"}

// checkTools checks tools and returns the names of the functions.
func checkTools(m message) (names []string, fault *apiError) {
	tools, fault := m.list("tools", "")
	if fault != nil {
		return nil, fault
	}
	for i, tool := range tools {
		at := index("tools", i)
		t, fault := fields(tool, at, append([]string{"functionDeclarations"}, builtIn...)...)
		if fault != nil {
			return nil, fault
		}
		declarations, fault := t.list("functionDeclarations", at+".")
		if fault != nil {
			return nil, fault
		}
		for j, d := range declarations {
			name, fault := checkDeclaration(d, index(at+".function_declarations", j))
			if fault != nil {
				return nil, fault
			}
			if slices.Contains(names, name) {
				return nil, invalid("Duplicate function declaration found: %s", name)
			}
			names = append(names, name)
		}
	}
	return names, nil
}

func checkDeclaration(v any, at string) (string, *apiError) {
	m, fault := fields(v, at, "name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior")
	if fault != nil {
		return "", fault
	}
	name := m.text("name")
	if !functionName.MatchString(name) {
		return "", invalid("* GenerateContentRequest.%s.name: Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.", at)
	}
	if m["parameters"] != nil && m["parametersJsonSchema"] != nil {
		return "", invalid("* GenerateContentRequest.%s: parameters and parameters_json_schema are mutually exclusive.", at)
	}
	if m["parameters"] != nil {
		return name, checkSchema(m["parameters"], at+".parameters", true)
	}
	return name, nil
}

// schemaFields are the keywords that Google's subset of OpenAPI knows.
var schemaFields = []string{
	"type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required", "minProperties",
	"maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering", "default", "items", "minimum", "maximum",
}

var schemaTypes = []string{"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "string", "number", "integer", "boolean", "array", "object", "null"}

// checkSchema checks a schema as Google does: keywords that it does not know are refused, and so are other mistakes.
func checkSchema(v any, at string, top bool) *apiError {
	m, fault := fields(v, at, schemaFields...)
	if fault != nil {
		return fault
	}
	typ, isText := m["type"].(string)
	if m["type"] != nil && !isText {
		return invalid("Proto field is not repeating, cannot start list. at '%s.type'", at)
	}
	if isText && !slices.Contains(schemaTypes, typ) || !isText && m["anyOf"] == nil {
		return invalid("* GenerateContentRequest.%s.type: must be specified", at)
	}
	for _, check := range [...]func(message, string, string) *apiError{checkEnum, checkFormat, checkItems} {
		if fault := check(m, typ, at); fault != nil {
			return fault
		}
	}
	return checkProperties(m, typ, at, top)
}

func checkEnum(m message, typ, at string) *apiError {
	values, fault := m.list("enum", at+".")
	if fault != nil {
		return fault
	}
	for i, v := range values {
		if s, ok := v.(string); !ok || s == "" {
			return invalid("Invalid value at '%s.enum[%d]' (TYPE_STRING), %v", at, i, v)
		}
	}
	if len(values) > 0 && typ != "STRING" && typ != "string" {
		return invalid("* GenerateContentRequest.%s.enum: only allowed for STRING type", at)
	}
	return nil
}

var formats = map[string][]string{
	"string": {"enum", "date-time"}, "number": {"float", "double"}, "integer": {"int32", "int64"},
}

func checkFormat(m message, typ, at string) *apiError {
	format := m.text("format")
	if format == "" || slices.Contains(formats[lower(typ)], format) {
		return nil
	}
	return invalid("* GenerateContentRequest.%s.format: only 'enum' and 'date-time' are supported for STRING type", at)
}

func checkItems(m message, typ, at string) *apiError {
	if lower(typ) == "array" && m["items"] == nil {
		return invalid("* GenerateContentRequest.%s.items: missing field.", at)
	}
	if m["items"] != nil {
		if fault := checkSchema(m["items"], at+".items", false); fault != nil {
			return fault
		}
	}
	options, fault := m.list("anyOf", at+".")
	for i, o := range options {
		if fault == nil {
			fault = checkSchema(o, index(at+".any_of", i), false)
		}
	}
	return fault
}

func checkProperties(m message, typ, at string, top bool) *apiError {
	properties, _ := m["properties"].(map[string]any)
	if lower(typ) == "object" && len(properties) == 0 && !top {
		return invalid("* GenerateContentRequest.%s.properties: should be non-empty for OBJECT type", at)
	}
	for name, p := range properties {
		if fault := checkSchema(p, fmt.Sprintf("%s.properties[%s]", at, name), false); fault != nil {
			return fault
		}
	}
	required, fault := m.list("required", at+".")
	for i, r := range required {
		if name, _ := r.(string); fault == nil && properties[name] == nil {
			fault = invalid("* GenerateContentRequest.%s.required[%d]: property is not defined", at, i)
		}
	}
	return fault
}

func lower(typ string) string {
	for i, t := range schemaTypes {
		if t == typ && i < len(schemaTypes)/2 {
			return schemaTypes[i+len(schemaTypes)/2]
		}
	}
	return typ
}

// checkToolConfig returns the mode and the functions that may be called.
func checkToolConfig(m message, names []string) (mode string, allowed []string, fault *apiError) {
	mode, allowed = "AUTO", names
	if m["toolConfig"] == nil {
		return mode, allowed, nil
	}
	c, fault := fields(m["toolConfig"], "tool_config", "functionCallingConfig", "retrievalConfig")
	if fault != nil || c["functionCallingConfig"] == nil {
		return mode, allowed, fault
	}
	f, fault := fields(c["functionCallingConfig"], "tool_config.function_calling_config", "mode", "allowedFunctionNames")
	if fault != nil {
		return mode, allowed, fault
	}
	if mode = f.text("mode"); !slices.Contains([]string{"AUTO", "ANY", "NONE", "VALIDATED"}, mode) {
		return mode, nil, invalid("Invalid value at 'tool_config.function_calling_config.mode' (type.googleapis.com/google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode), %q", mode)
	}
	if len(names) == 0 && mode == "ANY" {
		return mode, nil, invalid("Function calling config is set without function_declarations.")
	}
	list, fault := f.list("allowedFunctionNames", "tool_config.function_calling_config.")
	if fault != nil || len(list) == 0 {
		return mode, allowed, fault
	}
	if mode != "ANY" && mode != "VALIDATED" {
		return mode, nil, invalid("allowed_function_names should only be set when function calling mode is ANY or VALIDATED")
	}
	allowed = nil
	for _, v := range list {
		name, _ := v.(string)
		if !slices.Contains(names, name) {
			return mode, nil, invalid("allowed_function_names contains %q, which is not declared", name)
		}
		allowed = append(allowed, name)
	}
	return mode, allowed, nil
}
