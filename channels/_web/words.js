// What the chat itself says, in the languages that the bot can write without a model.
const WORDS = {
  en: {
    title: "{brand} support", open: "Chat with us", close: "Close the chat", log: "Conversation", text: "Your message", send: "Send",
    answers: "Answers to choose from", writing: "An answer is being written …", connecting: "Connecting again …",
    offline: "You are offline. What you write is sent once you are back.", signedOut: "You are signed out. Please sign in again to go on.",
    full: "The chat is open in too many windows. Close one of them.", sending: "Sending …", waiting: "Waits for the connection",
    refused: "Not sent", again: "Try again", unread: "New messages",
    files: "Files cannot be sent in this chat. Please describe what is in them, or send them by email.",
    noFile: "The file could not be loaded. Please try again.",
  },
  de: {
    title: "{brand} Support", open: "Mit uns chatten", close: "Chat schließen", log: "Unterhaltung", text: "Ihre Nachricht", send: "Senden",
    answers: "Antworten zur Auswahl", writing: "Eine Antwort wird geschrieben …", connecting: "Verbindung wird wiederhergestellt …",
    offline: "Sie sind offline. Was Sie schreiben, wird gesendet, sobald Sie wieder verbunden sind.", signedOut: "Sie sind abgemeldet. Bitte melden Sie sich wieder an.",
    full: "Der Chat ist in zu vielen Fenstern offen. Bitte schließen Sie eines.", sending: "Wird gesendet …", waiting: "Wartet auf die Verbindung",
    refused: "Nicht gesendet", again: "Noch einmal versuchen", unread: "Neue Nachrichten",
    files: "Dateien können in diesem Chat nicht gesendet werden. Bitte beschreiben Sie den Inhalt oder schicken Sie sie per E-Mail.",
    noFile: "Die Datei konnte nicht geladen werden. Bitte versuchen Sie es noch einmal.",
  },
  es: {
    title: "Soporte de {brand}", open: "Chatear con nosotros", close: "Cerrar el chat", log: "Conversación", text: "Su mensaje", send: "Enviar",
    answers: "Respuestas para elegir", writing: "Se está escribiendo una respuesta …", connecting: "Conectando de nuevo …",
    offline: "No hay conexión. Lo que escriba se enviará cuando vuelva.", signedOut: "Su sesión ha terminado. Vuelva a iniciarla para continuar.",
    full: "El chat está abierto en demasiadas ventanas. Cierre una de ellas.", sending: "Enviando …", waiting: "Espera la conexión",
    refused: "No enviado", again: "Intentar de nuevo", unread: "Mensajes nuevos",
    files: "En este chat no se pueden enviar archivos. Describa su contenido o envíelos por correo electrónico.",
    noFile: "No se pudo cargar el archivo. Inténtelo de nuevo.",
  },
  fr: {
    title: "Assistance {brand}", open: "Discuter avec nous", close: "Fermer la discussion", log: "Conversation", text: "Votre message", send: "Envoyer",
    answers: "Réponses au choix", writing: "Une réponse est en cours d’écriture …", connecting: "Reconnexion …",
    offline: "Vous êtes hors ligne. Ce que vous écrivez partira à votre retour.", signedOut: "Vous êtes déconnecté. Reconnectez-vous pour continuer.",
    full: "La discussion est ouverte dans trop de fenêtres. Fermez-en une.", sending: "Envoi …", waiting: "En attente de connexion",
    refused: "Non envoyé", again: "Réessayer", unread: "Nouveaux messages",
    files: "On ne peut pas envoyer de fichiers ici. Décrivez leur contenu ou envoyez-les par e-mail.",
    noFile: "Le fichier n’a pas pu être chargé. Veuillez réessayer.",
  },
};

function wordsFor(tags, brand) {
  const language = tags.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag in WORDS) || "en";
  const words = WORDS[language];
  return { ...words, language, title: words.title.replace("{brand}", () => brand) };
}
