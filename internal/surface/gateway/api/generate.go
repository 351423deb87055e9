// Package api holds the shapes of the gateway's contract, generated from it.
package api

//go:generate go tool -modfile=../../../../tools/oapi-codegen/go.mod oapi-codegen -config config.yaml ../../../../contracts/easyai-gateway.openapi.yaml
