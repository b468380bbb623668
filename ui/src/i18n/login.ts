/** The words of logging in. */

export const loginEn = {
  title: "Log in",
  intro: "This server asks who reads it.",
  byKey: "Key",
  byName: "Name and password",
  how: "How to log in",
  key: "API key",
  keyHelp: "A key with the scope read. It is sent once and not kept in the browser.",
  name: "Name",
  password: "Password",
  submit: "Log in",
  waiting: "Checking…",
  logOut: "Log out",
  loggedInAs: "Logged in as {{who}}",
  make: "Make a key where the server runs:",
};

export const loginKo: typeof loginEn = {
  title: "로그인",
  intro: "이 서버는 로그인한 사람에게만 내용을 보여 줍니다.",
  byKey: "키",
  byName: "이름과 비밀번호",
  how: "로그인 방법",
  key: "API 키",
  keyHelp: "read 권한이 있는 키를 입력하십시오. 한 번만 전송하며 브라우저에 저장하지 않습니다.",
  name: "이름",
  password: "비밀번호",
  submit: "로그인",
  waiting: "확인 중…",
  logOut: "로그아웃",
  loggedInAs: "{{who}}(으)로 로그인했습니다",
  make: "서버가 실행되는 곳에서 키를 만드십시오.",
};
