/** Domains at which anybody gets a mailbox: an address there says nothing about where somebody works. */
export const publicMailDomains: ReadonlySet<string> = new Set(
  `163.com 126.com aol.com att.net bigpond.com bluewin.ch bol.com.br btinternet.com comcast.net daum.net duck.com
  earthlink.net email.com fastmail.com fastmail.fm free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net
  googlemail.com hanmail.net hey.com hotmail.be hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it
  hushmail.com icloud.com inbox.com inbox.ru interia.pl laposte.net libero.it list.ru live.co.uk live.com live.de live.fr
  live.nl mac.com mail.com mail.de mail.ru mailbox.org mailinator.com me.com msn.com naver.com o2.pl online.de orange.fr
  outlook.com outlook.de outlook.fr pm.me posteo.de proton.me protonmail.com qq.com rambler.ru rediffmail.com rocketmail.com
  sbcglobal.net seznam.cz sfr.fr sina.com sky.com t-online.de tiscali.it tutanota.com tuta.io ukr.net uol.com.br verizon.net
  virgilio.it vodafone.de wanadoo.fr web.de wp.pl yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br
  yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com yandex.ru ymail.com zoho.com`.split(/\s+/),
);
