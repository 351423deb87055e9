package main

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/app"
	"github.com/gantry-ai/gantry/internal/cli"
	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/routing"
)

// testProvider puts a probe into the words of the command line.
func testProvider(ctx context.Context, cfg config.Config, a cli.ProviderAccount) (cli.ProviderReport, error) {
	found, err := app.TestProvider(ctx, cfg, routing.Account{
		Provider: a.Provider, BaseURL: a.BaseURL, AuthType: a.AuthType, Credential: a.Credential, Config: a.Config, Headers: a.Headers,
		ProxyURL: a.ProxyURL,
	}, a.Model)
	return reported(found, err)
}

// testPlatform is testProvider for a platform of the installation.
func testPlatform(ctx context.Context, cfg config.Config, platform, model string) (cli.ProviderReport, error) {
	return reported(app.TestPlatform(ctx, cfg, platform, model))
}

func reported(found app.ProbeReport, err error) (cli.ProviderReport, error) {
	if err != nil {
		return cli.ProviderReport{}, err
	}
	out := cli.ProviderReport{OK: true, Models: append([]string{}, found.Models...)}
	for _, s := range found.Steps {
		step := cli.ProviderStep{
			Name: s.Name, State: "failed", Ms: float64(s.Duration) / float64(time.Millisecond), Message: s.Message.EN, Advice: s.Advice.EN,
			MessageZH: s.Message.ZH, AdviceZH: s.Advice.ZH,
		}
		switch {
		case s.OK:
			step.State = "ok"
		case s.Skipped:
			step.State = "skipped"
		}
		out.OK = out.OK && step.State != "failed"
		out.Steps = append(out.Steps, step)
	}
	return out, nil
}
