; Compiles and runs what installer.nsh adds, with nothing of electron-builder's around it: `makensis -DOUTPUT=… -DPAYLOAD=… -DINCLUDED=…`.
Unicode true
Target amd64-unicode
!include MUI2.nsh
!include LogicLib.nsh
!include nsDialogs.nsh
!define isUpdated `"1" == "0"`
!include "${INCLUDED}"

Name Starmesh
OutFile "${OUTPUT}"
RequestExecutionLevel user
InstallDir "C:\StarmeshCheck"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro customPageAfterChangeDir
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE English
!insertmacro MUI_LANGUAGE SimpChinese

Section install
  SetOutPath "$INSTDIR\resources\bin"
  File "${PAYLOAD}"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  StrCpy $startAtLogin 1
  !insertmacro customInstall
SectionEnd

Section un.install
  !insertmacro customUnInstall
  RMDir /r "$INSTDIR"
SectionEnd
