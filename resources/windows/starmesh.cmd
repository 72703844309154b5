@echo off
rem The command line: the desktop app's program, run as plain Node.
setlocal
set ELECTRON_RUN_AS_NODE=1
"%~dp0..\..\Starmesh.exe" "%~dp0..\app.asar.unpacked\out\cli.js" %*
exit /b %ERRORLEVEL%
