; What Starmesh's installer and uninstaller do besides laying and removing files. electron-builder's script includes this; so
; does a small one of our own that compiles and runs it where that one cannot be built.

!ifndef BUILD_UNINSTALLER
  Var startAtLogin
  Var startAtLoginBox

  !macro customPageAfterChangeDir
    Page custom startAtLoginPage startAtLoginChosen

    Function startAtLoginPage
      !insertmacro MUI_HEADER_TEXT "Starmesh" ""
      nsDialogs::Create 1018
      Pop $0
      StrCpy $1 "Start Starmesh when I sign in (it stays in the tray)"
      ${If} $LANGUAGE == 2052
        StrCpy $1 "登录时启动 Starmesh（留在系统托盘中）"
      ${EndIf}
      ${NSD_CreateCheckbox} 0 0 100% 12u $1
      Pop $startAtLoginBox
      nsDialogs::Show
    FunctionEnd

    Function startAtLoginChosen
      ${NSD_GetState} $startAtLoginBox $startAtLogin
    FunctionEnd
  !macroend
!endif

!macro customInstall
  ; A link of ours is the app's one argument: behind the two dashes nothing is taken for an option.
  WriteRegStr SHCTX "Software\Classes\starmesh" "" "URL:Starmesh"
  WriteRegStr SHCTX "Software\Classes\starmesh" "URL Protocol" ""
  WriteRegStr SHCTX "Software\Classes\starmesh\shell\open\command" "" '"$INSTDIR\Starmesh.exe" -- "%1"'
  ; The same value that the app's own setting writes, so that it can be switched off there.
  ${If} $startAtLogin == 1
    WriteRegStr HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "io.starmesh.desktop" '"$INSTDIR\Starmesh.exe" --background'
  ${EndIf}
!macroend

!macro customUnInstall
  ${IfNot} ${isUpdated}
    ; The engine takes back its routes, names, rules and adapter when it stops.
    nsExec::Exec '"$INSTDIR\resources\bin\starmesh.cmd" stop'
    Pop $0
    nsExec::Exec '"$INSTDIR\resources\bin\starmesh.cmd" service uninstall'
    Pop $0
    ; What was left by an engine that was killed.
    nsExec::Exec 'powershell.exe -NoProfile -NonInteractive -Command "Get-NetFirewallRule -DisplayName $\'Starmesh *$\' -ErrorAction SilentlyContinue | Remove-NetFirewallRule"'
    Pop $0
    DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "io.starmesh.desktop"
    DeleteRegKey SHCTX "Software\Classes\starmesh"
    ; Keys and networks stay, unless somebody is there who wants them gone.
    StrCpy $1 "Remove this computer's keys and networks, too?$\r$\n$\r$\nWithout them it can come back to its networks only with new invites."
    ${If} $LANGUAGE == 2052
      StrCpy $1 "是否同时删除这台电脑的密钥和网络？$\r$\n$\r$\n删除后，只有凭新的邀请才能重新加入网络。"
    ${EndIf}
    ${If} ${Cmd} `MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "$1" /SD IDNO IDYES`
      SetShellVarContext current
      RMDir /r "$LOCALAPPDATA\Starmesh"
      ; Of everybody: C:\ProgramData.
      SetShellVarContext all
      RMDir /r "$APPDATA\Starmesh"
    ${EndIf}
  ${EndIf}
!macroend
