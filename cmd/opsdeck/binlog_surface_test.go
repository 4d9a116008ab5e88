package main

// The commands of the binary log, for the lists of every command.
func init() {
	readingCommands = append(readingCommands, "backup binlog list", "backup binlog verify", "audit changes")
	changingCommands["backup binlog follow"] = nil
	changingCommands["backup binlog fetch"] = []string{"--flush"}
	jsonCommands = append(jsonCommands, "backup binlog fetch", "backup binlog list", "backup binlog verify", "audit changes")
}
