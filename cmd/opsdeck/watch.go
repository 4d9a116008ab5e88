package main

type watchCmd struct {
	Run       watchRunCmd       `cmd:"" default:"withargs" help:"Run the scheduled jobs and send alerts."`
	Rules     watchRulesCmd     `cmd:"" help:"List the rules of the alerts with the last value of each."`
	Test      watchTestCmd      `cmd:"" help:"Send a test message to a target, or to the targets of a rule."`
	Silence   watchSilenceCmd   `cmd:"" help:"Send no alerts of a rule for a while."`
	Unsilence watchUnsilenceCmd `cmd:"" help:"End the silences of a rule."`
	Silences  watchSilencesCmd  `cmd:"" help:"List the silences."`
	Install   watchInstallCmd   `cmd:"" help:"Have systemd, PM2 or cron start watch with the machine."`
	Ack       watchAckCmd       `cmd:"" help:"Acknowledge alerts: they are not sent again and not escalated."`
}
